"""Alerts against a real HTTP server that is as strict as Alertmanager's API v2, and a courier that never gives up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shipway.api.conditions import seconds
from shipway.integrations.alertmanager import LASTS_SECONDS, REFRESH_SECONDS, Alertmanager, alert
from shipway.integrations.courier import FIRST_PAUSE_SECONDS, Courier
from shipway.integrations.notice import Notice, Outcome, Stage
from shipway.kube.resource import Key
from unit.integrations.notices import NOTICE

NOW = 1_800_000_000.0
Results = asyncio.Queue[Key]
KEY = Key("Incident", "team-reco", "ranker-v3-1")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        raise AssertionError("nothing waits by itself here")

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits by itself here")


@dataclass
class Server:
    """Takes alerts as Alertmanager does: postableAlerts of its OpenAPI document, and nothing else."""

    status: int = 200
    url: str = ""
    alerts: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert request.content_type == "application/json"
        for one in body:
            assert set(one) <= {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
            assert one["labels"]["alertname"]
            texts = {**one["labels"], **one["annotations"]}
            assert all(isinstance(text, str) and text for text in texts.values())
            assert datetime.fromisoformat(one["startsAt"]) <= datetime.fromisoformat(one["endsAt"])
        if self.status == 200:
            self.alerts += body
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def alertmanager(clock: Clock) -> AsyncIterator[tuple[Server, Courier, Results]]:
    server, results = Server(), Results()
    app = web.Application()
    app.router.add_post("/api/v2/alerts", server.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        receiver = Alertmanager(server.url, session=session, now=clock.now)
        courier = Courier({"alertmanager": receiver}, on_result=results.put_nowait, clock=clock)
        yield server, courier, results
        await courier.close()
    await runner.cleanup()


async def heard(results: Results) -> Key:
    async with asyncio.timeout(5):
        return await results.get()


def outcome(courier: Courier) -> Outcome:
    return courier.outcomes(KEY)["alertmanager"]


async def test_an_incident_is_one_alert_until_it_is_resolved() -> None:
    clock = Clock()
    async with alertmanager(clock) as (server, courier, results):
        for stage in Stage:
            courier.deliver(KEY, "alertmanager", replace(NOTICE, stage=stage))
            assert await heard(results) == KEY
            assert outcome(courier) == Outcome(stage, NOW)
    opened, mitigated, resolved = server.alerts
    assert opened["labels"] == mitigated["labels"] == resolved["labels"]
    assert opened["labels"] | {"owner": "reco", "severity": "critical", "model": "ranker"} == opened["labels"]
    assert opened["annotations"]["runbook_url"] == NOTICE.runbook
    assert [seconds(one["endsAt"]) - NOW for one in server.alerts] == [LASTS_SECONDS, LASTS_SECONDS, 0]


@pytest.mark.parametrize(
    ("type_", "headline"),
    [
        ("Rollback", "ranker v3 was taken back: errors"),
        ("GateError", "ranker v3 is released and its gates cannot tell: errors"),
        ("SLOBurn", "ranker uses up its error budget too fast: errors"),
        ("StaleFeatures", "ranker has features that are old or missing: errors"),
        ("TrainingHang", f"the training of ranker v3 hangs: {NOTICE.name}"),
    ],
)
def test_the_headline_says_what_kind_of_incident_it_is_and_routes_can_tell(type_: str, headline: str) -> None:
    posted = alert(replace(NOTICE, type=type_), NOW)
    assert (posted["labels"]["type"], posted["annotations"]["summary"]) == (type_, headline)


async def test_asking_again_sends_nothing_until_it_is_time_to_repeat() -> None:
    clock = Clock()
    async with alertmanager(clock) as (server, courier, results):
        courier.deliver(KEY, "alertmanager", NOTICE)
        assert await heard(results) == KEY
        courier.deliver(KEY, "alertmanager", NOTICE)
        assert courier.due_in(KEY) == REFRESH_SECONDS
        clock.time += REFRESH_SECONDS
        courier.deliver(KEY, "alertmanager", NOTICE)
        assert await heard(results) == KEY
        assert len(server.alerts) == 2
        assert server.alerts[0]["labels"] == server.alerts[1]["labels"]


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_what_is_refused_is_sent_again_later_and_later(status: int) -> None:
    clock = Clock()
    async with alertmanager(clock) as (server, courier, results):
        server.status = status
        waits = []
        for _ in range(3):
            courier.deliver(KEY, "alertmanager", NOTICE)
            assert await heard(results) == KEY
            waits.append(courier.due_in(KEY) or 0.0)
            clock.time += waits[-1]
        assert outcome(courier).problem == f"answered with status {status} instead of 200"
        assert waits == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
        server.status = 200
        courier.deliver(KEY, "alertmanager", NOTICE)
        assert await heard(results) == KEY
        assert outcome(courier).problem == ""


async def test_a_new_stage_does_not_wait_for_the_pause_after_a_failure() -> None:
    clock = Clock()
    async with alertmanager(clock) as (server, courier, results):
        server.status = 500
        courier.deliver(KEY, "alertmanager", NOTICE)
        assert await heard(results) == KEY
        server.status = 200
        courier.deliver(KEY, "alertmanager", replace(NOTICE, stage=Stage.MITIGATED))
        assert await heard(results) == KEY
        assert outcome(courier) == Outcome(Stage.MITIGATED, NOW)


async def test_what_cannot_be_reached_is_said_without_its_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        results = Results()
        async with aiohttp.ClientSession() as session:
            receiver = Alertmanager(f"http://127.0.0.1:{taken.getsockname()[1]}", session=session, now=Clock().now)
            courier = Courier({"alertmanager": receiver}, on_result=results.put_nowait, clock=Clock())
            courier.deliver(KEY, "alertmanager", NOTICE)
            assert await heard(results) == KEY
            assert outcome(courier).problem == "cannot be reached: ClientConnectorError"


class Silent:
    """A receiver that never answers."""

    refresh_seconds: float | None = None

    async def send(self, _: Notice) -> None:
        await asyncio.Event().wait()


async def test_a_receiver_that_is_silent_holds_up_neither_the_caller_nor_the_end() -> None:
    courier = Courier({"silent": Silent()}, on_result=lambda _: None, clock=Clock())
    courier.deliver(KEY, "silent", NOTICE)
    courier.deliver(KEY, "silent", NOTICE)
    await asyncio.sleep(0)
    assert (dict(courier.outcomes(KEY)), courier.due_in(KEY)) == ({}, None)
    async with asyncio.timeout(1):
        await courier.close()


def test_what_there_is_nothing_to_say_of_is_left_out() -> None:
    assert set(alert(replace(NOTICE, runbook="", on_call=""), NOW)["annotations"]) == {
        "summary",
        "description",
        "stage",
    }


def test_an_end_is_never_before_the_beginning_whatever_the_clocks_say() -> None:
    over = alert(replace(NOTICE, stage=Stage.RESOLVED), NOW - 3600)
    assert over["endsAt"] == over["startsAt"]
