"""The predictor that only answers is counted and spoilt like the others."""

from typing import Any

from benchmarks.releases.lean import BODY, answer
from benchmarks.releases.unreliable import HEADER, Fault, Harm, Unreliable
from shipway_workloads.serving.counters import Counters
from shipway_workloads.serving.middleware import Drain, PredictionMiddleware


async def asked(fault: Fault) -> tuple[Counters, list[Any]]:
    counters = Counters(pod="pod", started_at=0.0, model="ranker", version="v2")
    app = PredictionMiddleware(Unreliable(answer, fault=fault), counters=counters, drain=Drain())
    parts = iter([{"body": b"{", "more_body": True}, {"body": b"}", "more_body": False}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "path": "/v1/models/ranker:predict", "headers": []}, receive, send)
    return counters, sent


async def test_it_answers_once_the_whole_question_is_in_and_says_its_version() -> None:
    counters, (start, body) = await asked(Fault(background=0.0))
    assert (start["status"], body["body"], counters.requests, counters.errors) == (200, BODY, 1, 0)
    assert (b"x-shipway-version", b"v2") in start["headers"]


async def test_its_errors_are_counted_and_marked() -> None:
    counters, (start, _) = await asked(Fault(background=0.0, errors=1.0))
    assert (start["status"], counters.errors) == (500, 1)
    assert (HEADER.encode(), Harm.ERROR.encode()) in start["headers"]


async def test_no_answer_takes_the_headers_of_the_last_one_along() -> None:
    await asked(Fault(background=0.0))
    _, (start, _) = await asked(Fault(background=0.0))
    assert [name for name, _ in start["headers"]].count(b"x-shipway-version") == 1
