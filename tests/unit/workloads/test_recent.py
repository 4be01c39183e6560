"""The newest answers are kept by request, the same requests by every version, and never more than a few hundred."""

import asyncio
from typing import Any

import pytest

from shipway_workloads.serving import recent
from shipway_workloads.serving.counters import Counters
from shipway_workloads.serving.middleware import Drain, PredictionMiddleware
from shipway_workloads.serving.recent import AT_MOST_A_SECOND, KEPT_SECONDS, MAX_KEPT, RecentAnswers, id_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(answers: RecentAnswers) -> set[str]:
    return {found[0] for found in answers.to_json()}


def asked(clock: Clock, rate: int, seconds: float, *, share: float = 1.0) -> RecentAnswers:
    answers, start = RecentAnswers(clock), clock.now
    for number in range(int(rate * seconds)):
        clock.now = start + number / rate
        if number % 100 < 100 * share:
            answers.observe(f"request-{number}".encode(), (0.5,))
    clock.now = start
    return answers


def test_an_answer_is_told_with_its_first_predictions_and_forgotten_after_seconds():
    clock = Clock()
    answers = RecentAnswers(clock)
    answers.observe(b"a", (0.12345678, 0.5))
    answers.observe(b"b", None)
    assert [found[1] for found in answers.to_json()] == [[0.123457, 0.5], None]
    clock.now = KEPT_SECONDS + 0.1
    assert answers.to_json() == []


@pytest.mark.parametrize("nothing", [float("nan"), float("inf")])
def test_a_prediction_that_is_no_number_does_not_make_the_counters_unreadable(nothing: float):
    answers = RecentAnswers(Clock())
    answers.observe(b"a", (0.5, nothing))
    assert [found[1] for found in answers.to_json()] == [None]


def test_of_many_requests_two_versions_keep_the_same():
    new, old = asked(Clock(), 2000, 4), asked(Clock(), 2000, 4)
    assert kept(new) == kept(old)
    assert AT_MOST_A_SECOND / 4 < len(kept(new)) <= MAX_KEPT


def test_a_version_of_several_replicas_keeps_what_another_keeps_too():
    whole, half = asked(Clock(), 2000, 4), asked(Clock(), 2000, 4, share=0.5)
    assert len(kept(whole) & kept(half)) >= len(kept(whole)) / 4


def test_what_is_no_id_is_left_alone():
    assert id_of([(b"x-request-id", b"a" * 129)]) == b""
    assert id_of([(b"other", b"a")]) == b""
    assert id_of([(b"x-request-id", b"a")]) == b"a"


@pytest.mark.parametrize(("status", "told"), [(200, [0.25, 0.5]), (404, [0.25, 0.5]), (500, None)])
async def test_the_middleware_lays_what_the_model_predicts_beside_the_id_of_the_request(status: int, told: Any):
    counters = Counters(pod="pod", started_at=0.0, model="ranker", version="v2")

    async def model(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        counters.answered([0.25, 0.5])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def send(message: Any) -> None:
        del message

    app = PredictionMiddleware(model, counters=counters, drain=Drain())
    scopes = [
        {"type": "http", "path": "/v1/models/ranker:predict", "headers": [(b"x-request-id", name)]}
        for name in (b"a", b"b")
    ]
    await asyncio.gather(*(asyncio.create_task(app(scope, None, send)) for scope in scopes))  # type: ignore[arg-type]
    assert [found[1] for found in counters.recent.to_json()] == [told, told]


async def test_outside_a_request_predictions_are_left_nowhere():
    recent.leave([0.5])
    assert recent.predicted.get() is None
