"""A real Alertmanager takes the alerts of real Incidents and tells whom the route of the page names."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

import pages
from harness.builders import model
from harness.lab import Lab
from harness.process import free_port
from harness.replay import World
from integration.serving.neighbours import answering, knowing, made, program, telling
from integration.serving.players import act, deploy, exposed, publish, release, serves
from shipway.controllers.incident.people import ACKNOWLEDGED_BY
from shipway.integrations.alertmanager import REFRESH_SECONDS
from shipway.kube.client import Client
from shipway.kube.resource import INCIDENT, MODEL
from shipway_lab.parts.alertmanager import ALERTMANAGER

pytestmark = pytest.mark.lab
PAGER, CHAT = "recommendations-pager", "recommendations-chat"


@dataclass
class Receivers:
    """Everybody whom Alertmanager may tell.

    Attributes:
        port: Where.
        told: Alerts by receiver, oldest first.
    """

    port: int = field(default_factory=free_port)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    async def take(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        self.told[body["receiver"]] += body["alerts"]
        return web.Response()

    def configuration(self) -> str:
        """The route of the page, without its patience, and a receiver for each name in it."""
        (shown,) = [block for block in pages.blocks("text") if block.text.startswith("route:")]
        route = yaml.safe_load(shown.text)["route"]
        names = [route["receiver"], *(child["receiver"] for child in route["routes"])]
        receivers = [{"name": name, "webhook_configs": [{"url": f"http://127.0.0.1:{self.port}"}]} for name in names]
        return json.dumps({"route": {**route, "group_wait": "0s", "group_interval": "1s"}, "receivers": receivers})


@dataclass
class Told:
    """An operator that knows an Alertmanager.

    Attributes:
        world: Where it works.
        binary: Of Alertmanager.
        receivers: Who hears of it.
        folder: Of Alertmanager's files.
        port: Of Alertmanager.
    """

    world: World
    binary: Path
    receivers: Receivers
    folder: Path
    port: int

    @asynccontextmanager
    async def alertmanager(self, life: str) -> AsyncIterator[None]:
        """An Alertmanager that remembers nothing of its other lives."""
        file = self.folder / "alertmanager.yaml"
        file.write_text(self.receivers.configuration())
        arguments = (f"--storage.path={self.folder / life}", f"--web.listen-address=127.0.0.1:{self.port}")
        where = (f"--config.file={file}", "--cluster.listen-address=", "--log.level=error")
        async with program(self.binary, *arguments, *where):
            yield

    async def hears(self, receiver: str, status: str) -> dict[str, Any]:
        """Wait until somebody is told of one alert, for the last time so far, that it has this status."""

        async def look() -> object:
            return self._said(receiver)[-1:] == [status]

        await self.world.eventually(look, what=f"{receiver} hears that it is {status}", within=60)
        return self.receivers.told[receiver][-1]

    def _said(self, receiver: str) -> list[str]:
        return [alert["status"] for alert in self.receivers.told[receiver]]


@pytest.fixture
async def told(serving_lab: Lab, kube: Client, namespace: str, tmp_path: Path) -> AsyncIterator[Told]:
    binary, receivers, port = made(ALERTMANAGER), Receivers(), free_port()
    operator = knowing(alertmanager_url=f"http://127.0.0.1:{port}")
    async with (
        answering(receivers.take, "127.0.0.1", receivers.port),
        telling(serving_lab, kube, namespace, operator) as world,
    ):
        yield Told(world, binary, receivers, tmp_path, port)


@pytest.mark.parametrize(("tier", "receiver"), [("Critical", PAGER), ("Standard", CHAT)])
async def test_whoever_the_route_of_the_page_names_hears_of_a_rollback_until_somebody_has_taken_it_up(
    told: Told, tier: str, receiver: str
):
    async with told.alertmanager("only"):
        name = await take_back(told.world, tier=tier)
        alert = await told.hears(receiver, "firing")
        expected = {"alertname": "ShipwayIncident", "type": "Rollback", "owner": "recommendations", "incident": name}
        assert alert["labels"] | expected == alert["labels"]
        assert alert["annotations"]["summary"].startswith("ranker v2 was taken back")
        assert alert["annotations"]["runbook_url"].startswith("https://")
        await told.world.condition(INCIDENT, name, "Notified")
        await acknowledge(told.world, name)
        await told.hears(receiver, "resolved")
    assert set(told.receivers.told) == {receiver}


async def test_an_alertmanager_that_has_forgotten_everything_is_told_again(told: Told):
    async with told.alertmanager("first"):
        name = await take_back(told.world, tier="Critical")
        await told.hears(PAGER, "firing")
    told.world.clock.advance(REFRESH_SECONDS)
    await told.world.condition(INCIDENT, name, "Notified", status="False", reason="NotDelivered")
    told.receivers.told.clear()
    async with told.alertmanager("second"):
        told.world.clock.advance(REFRESH_SECONDS)
        assert (await told.hears(PAGER, "firing"))["labels"]["incident"] == name
        await told.world.condition(INCIDENT, name, "Notified")


async def take_back(world: World, *, tier: str) -> str:
    """A release that a person ends: the name of its Incident."""
    await world.create(MODEL, model(owner={"team": "recommendations"}, tier=tier))
    await publish(world, "v1", "v2")
    await deploy(world, steps=[{"setWeight": 20}, {"pause": {}}])
    await serves(world, "v1")
    await release(world, "v2")
    await exposed(world, "v2")
    await act(world, "abort", "1")
    found: list[str] = []

    async def opened() -> object:
        found[:] = [incident["metadata"]["name"] for incident in await world.list(INCIDENT)]
        return found

    await world.eventually(opened, what="an Incident is opened")
    return found[0]


async def acknowledge(world: World, name: str) -> None:
    await world.patch(INCIDENT, name, {"metadata": {"annotations": {ACKNOWLEDGED_BY: "ada"}}})
