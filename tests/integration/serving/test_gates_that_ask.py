"""Gates that ask a real Prometheus, and a Service of the namespace that the real API server gave its address."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from harness.lab import Lab
from harness.process import free_port
from harness.replay import World
from integration.serving.neighbours import answering, knowing, made, program, telling
from integration.serving.players import deploy, publish, release, serves, share, status
from shipway.kube.client import Client
from shipway.kube.resource import INCIDENT, SERVICE
from shipway.parts import build
from shipway_lab.parts.prometheus import Prometheus

pytestmark = pytest.mark.lab
LOAD: dict[str, Any] = {
    "name": "load",
    "type": "PromQL",
    "query": 'max(load{version="{{version}}"}) / max(load{version="{{stableVersion}}"})',
    "limit": "1.5",
    "intervalSeconds": 5,
    "measurements": 1,
}
STEPS = [{"setWeight": 20}, {"pause": {}}]


@dataclass
class Exporter:
    """What Prometheus reads.

    Attributes:
        load: By version.
        port: Where.
    """

    load: dict[str, float] = field(default_factory=lambda: {"v1": 0.5, "v2": 0.6})
    port: int = 0

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(text="".join(f'load{{version="{name}"}} {load}\n' for name, load in self.load.items()))


async def test_a_version_is_taken_back_by_a_number_of_a_real_prometheus(
    serving_lab: Lab, kube: Client, namespace: str, tmp_path: Path
):
    async with (
        prometheus(tmp_path) as (url, exporter),
        telling(serving_lab, kube, namespace, knowing(prometheus_url=url)) as world,
    ):
        await begin(world, LOAD)
        await world.eventually(lambda: is_said(world, "load", "NoEvidenceOfHarm", "1.2"), within=60)
        exporter.load["v2"] = 0.9
        await world.eventually(lambda: is_taken_back(world, "load"), within=60)
        (incident,) = await world.list(INCIDENT)
        assert incident["spec"]["summary"] == ("load: 1.8; at most 1.5 is allowed; 2 measurements in a row were worse")


async def test_prometheus_own_words_say_what_is_wrong_with_a_query(
    serving_lab: Lab, kube: Client, namespace: str, tmp_path: Path
):
    async with (
        prometheus(tmp_path) as (url, _),
        telling(serving_lab, kube, namespace, knowing(prometheus_url=url)) as world,
    ):
        await begin(world, LOAD | {"query": "sum("})
        await world.eventually(lambda: is_said(world, "load", "Error", ""), within=60)
        told = await status(world)
        assert "unclosed left parenthesis" in told["summary"]
        assert await share(world, "v2") == 20


async def test_a_service_of_the_namespace_has_the_last_word(serving_lab: Lab, kube: Client, namespace: str):
    says: dict[str, str] = {"verdict": "Pass", "message": "nothing against it"}
    asked: list[dict[str, Any]] = []

    async def judge(request: web.Request) -> web.Response:
        asked.append(json.loads(await request.text()))
        return web.json_response(says)

    async with telling(serving_lab, kube, namespace, build) as world:
        ports = [{"port": 8080}]
        service = {"metadata": {"name": "approvals"}, "spec": {"ports": ports, "selector": {"app": "approvals"}}}
        address = (await world.create(SERVICE, service))["spec"]["clusterIP"]
        with here(address):
            async with answering(judge, address, 8080):
                hook = {"service": {"name": "approvals", "port": 8080, "path": "/v1/judge"}, "intervalSeconds": 5}
                await begin(world, {"name": "approval", "type": "Webhook", **hook})
                await world.eventually(lambda: is_said(world, "approval", "Pass", "Pass"), within=30)
                says |= {"verdict": "Fail", "message": "revenue fell"}
                await world.eventually(lambda: is_taken_back(world, "approval"), within=30)
        (incident,) = await world.list(INCIDENT)
        assert incident["spec"]["summary"] == "approval: Fail; revenue fell"
        assert (asked[0]["namespace"], asked[0]["version"], asked[0]["weight"]) == (namespace, "v2", 20)


async def begin(world: World, gate: dict[str, Any]) -> None:
    """A release of v2 that one gate watches."""
    await publish(world, "v1", "v2")
    await deploy(world, steps=STEPS, gates=[gate])
    await serves(world, "v1")
    await release(world, "v2")


async def is_said(world: World, gate: str, verdict: str, value: str) -> bool:
    gates = (await status(world))["rollout"].get("gates", [])
    assert [(each["verdict"], each.get("value", "")) for each in gates if each["name"] == gate] == [(verdict, value)]
    return True


async def is_taken_back(world: World, gate: str) -> bool:
    told = await status(world)
    assert told["abort"]["gate"] == gate, told["summary"]
    return await share(world, "v2") == 0


@asynccontextmanager
async def prometheus(folder: Path) -> AsyncIterator[tuple[str, Exporter]]:
    """The lab's Prometheus, reading one exporter every second."""
    binary = made(Prometheus().artifacts()[0]) / "usr/bin/prometheus"
    exporter, url = Exporter(port=free_port()), f"127.0.0.1:{free_port()}"
    target = {"targets": [f"127.0.0.1:{exporter.port}"]}
    job = {"job_name": "load", "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": [target]}
    (folder / "prometheus.yaml").write_text(json.dumps({"scrape_configs": [job]}))
    arguments = (f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data", "--log.level=error")
    async with (
        answering(exporter.metrics, "127.0.0.1", exporter.port),
        program(binary, *arguments, f"--web.listen-address={url}"),
    ):
        yield f"http://{url}", exporter


@contextmanager
def here(address: str) -> Iterator[None]:
    """The cluster IP leads to this machine: the control plane has no nodes that would send it to pods."""
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)
