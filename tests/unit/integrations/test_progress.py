import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from shipway.integrations.progress import MAX_BODY_BYTES, ProgressBoard, routes
from shipway.integrations.report import Report
from shipway.kube.errors import UnreachableError
from shipway.kube.resource import Key

KEY = Key("TrainingJob", "team", "ranker")
URL = "/v1/namespaces/team/trainingjobs/ranker/progress"
REPORT = {
    "attempt": 1,
    "step": 120,
    "totalSteps": 800,
    "loss": "0.5312",
    "samplesPerSecond": "20411.3",
    "checkpoint": {"step": 100, "uri": "s3://models/c/step-100", "time": "2026-11-24T12:00:00Z"},
    "time": "2026-11-24T12:00:01Z",
}


@dataclass(frozen=True)
class Identity:
    namespace: str = "team"
    name: str = "default"
    pod: str | None = "ranker-1-0"


TOKENS = {
    "good": Identity(),
    "unbound": Identity(pod=None),
    "other-namespace": Identity(namespace="elsewhere"),
    "other-account": Identity(name="someone"),
    "other-job": Identity(pod="ranker-b-1-0"),
    "other-pod": Identity(pod="ranker-1-shell"),
}


async def review(token: str) -> Identity | None:
    if token == "while the API server is down":
        raise UnreachableError("connection refused")
    return TOKENS.get(token)


class Api:
    def __init__(self) -> None:
        self.woken: list[Key] = []
        self.now = 1000.0
        self.board = ProgressBoard(on_report=self.woken.append, clock=lambda: self.now, monotonic=lambda: self.now)
        self.board.expect(KEY, service_account="default", attempt=1)
        self.client: TestClient[Any, Any] | None = None

    async def post(self, body: Any = REPORT, token: str | None = "good", url: str = URL) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = body if isinstance(body, bytes) else json.dumps(body)
        assert self.client is not None
        async with self.client.post(url, data=data, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text)["error"] if text else None

    async def status_of_post(self, token: str) -> int:
        assert self.client is not None
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.post(URL, data=json.dumps(REPORT), headers=headers) as response:
            return response.status


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    app = web.Application()
    app.add_routes(routes(api.board, review))
    async with TestClient(TestServer(app)) as api.client:
        yield api


async def test_a_report_is_kept_and_wakes_its_job(api: Api):
    assert await api.post() == (204, None)
    latest = api.board.latest(KEY)
    assert latest is not None
    assert (latest.step, latest.loss, latest.received_at) == (120, "0.5312", 1000.0)
    assert latest.checkpoint is not None
    assert latest.checkpoint.step == 100
    assert api.woken == [KEY]


async def test_a_report_that_cannot_be_checked_makes_nobody_seem_silent(api: Api):
    await api.post()
    for _ in range(30):
        api.now += 5
        assert await api.status_of_post("while the API server is down") == 500
    signs = api.board.signs(KEY)
    assert signs is not None
    assert signs.without_step <= 5


async def test_what_it_does_instead_of_steps_is_one_of_a_list(api: Api):
    assert await api.post({**REPORT, "activity": "Compiling"}) == (204, None)
    status, error = await api.post({**REPORT, "activity": "Sleeping"})
    assert (status, error["reason"]) == (400, "Invalid")
    assert error["message"].startswith("activity: ")
    assert "'LoadingData'" in error["message"]


async def test_a_token_that_is_not_bound_to_a_pod_is_good_enough(api: Api):
    assert (await api.post(token="unbound"))[0] == 204


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        (None, 401, "Bearer"),
        ("forged", 401, "audience shipway.dev"),
        ("other-namespace", 403, "elsewhere/default"),
        ("other-account", 403, "team/someone"),
        ("other-job", 403, "ranker-b-1-0"),
        ("other-pod", 403, "ranker-1-shell"),
    ],
)
async def test_nobody_else_may_report(api: Api, token: str | None, status: int, words: str):
    got, error = await api.post(token=token)
    assert got == status
    assert words in error["message"]
    assert api.board.latest(KEY) is None
    assert api.woken == []


async def test_a_job_that_is_not_running_is_not_found(api: Api):
    assert (await api.post(url=URL.replace("ranker", "unknown")))[0] == 404
    api.board.forget(KEY)
    assert (await api.post())[0] == 404


async def test_a_report_of_an_attempt_that_is_over_is_refused(api: Api):
    api.board.expect(KEY, service_account="default", attempt=2)
    status, error = await api.post()
    assert (status, error["reason"]) == (409, "StaleAttempt")
    assert api.board.latest(KEY) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step": -1}, "step"),
        ({"loss": "low"}, "loss"),
        ({"attempt": 0}, "attempt"),
        ({"checkpoint": {}}, "checkpoint.step"),
    ],
)
async def test_a_malformed_report_is_refused_with_the_field(api: Api, change: dict[str, Any], words: str):
    status, error = await api.post({**REPORT, **change})
    assert status == 400
    assert words in error["message"]


async def test_text_that_is_no_json_is_refused(api: Api):
    assert (await api.post(b"step 5"))[0] == 400


async def test_a_report_larger_than_the_cap_is_refused(api: Api):
    assert (await api.post(b"x" * (MAX_BODY_BYTES + 1)))[0] == 413


async def test_a_report_just_below_the_cap_is_read(api: Api):
    padded = {**REPORT, "note": ""}
    padded["note"] = "x" * (MAX_BODY_BYTES - len(json.dumps(padded)))
    assert (await api.post(padded))[0] == 204


async def test_the_newest_numbers_are_metrics_until_the_job_is_forgotten(api: Api):
    registry = CollectorRegistry()
    registry.register(api.board)
    await api.post({**REPORT, "loss": "nan"})
    labels = {"namespace": "team", "name": "ranker"}
    assert registry.get_sample_value("shipway_trainingjob_step", labels) == 120
    assert registry.get_sample_value("shipway_trainingjob_samples_per_second", labels) == 20411.3
    assert registry.get_sample_value("shipway_trainingjob_seconds_since_step", labels) == 0
    loss = registry.get_sample_value("shipway_trainingjob_loss", labels)
    assert loss is not None
    assert loss != loss  # noqa: PLR0124
    api.board.forget(KEY)
    assert registry.get_sample_value("shipway_trainingjob_step", labels) is None


def test_status_writes_of_many_jobs_stretch_to_twenty_a_second():
    board = ProgressBoard(on_report=lambda _: None)
    assert board.status_interval() == 10
    for number in range(1000):
        key = Key("TrainingJob", "team", f"job-{number}")
        board.expect(key, service_account="default", attempt=1)
        board.post(key, Report(attempt=1, step=1))
    assert board.status_interval() == 50
