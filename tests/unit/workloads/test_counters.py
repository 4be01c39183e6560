"""What a predictor counts, and how it is read."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from shipway_workloads.serving import prediction_id
from shipway_workloads.serving.counters import Counters, requests_of
from shipway_workloads.serving.labels import LateLabels
from shipway_workloads.serving.lately import EVERY_SECONDS, Lately
from shipway_workloads.serving.latency import (
    BOUNDED_BUCKETS,
    FIRST_BOUND_SECONDS,
    RATIO,
    LatencyHistogram,
    bucket_of,
)
from shipway_workloads.serving.middleware import Drain, Message, PredictionMiddleware, Receive, Scope, Send
from shipway_workloads.serving.prediction_id import Answer

DIGEST = "sha256:" + "0" * 64


def counters() -> Counters:
    return Counters(pod="ranker-0", started_at=1.5, model="ranker", version="v2", digest=DIGEST)


@given(st.floats(min_value=0, max_value=60))
def test_a_latency_lies_within_its_bucket_s_bounds(seconds: float):
    bucket = bucket_of(seconds)
    upper = FIRST_BOUND_SECONDS * RATIO**bucket
    lower = 0 if bucket == 0 else FIRST_BOUND_SECONDS * RATIO ** (bucket - 1)
    assert lower * (1 - 1e-6) <= seconds <= upper * (1 + 1e-6)


@given(st.integers(0, BOUNDED_BUCKETS - 1))
def test_a_bound_belongs_to_the_bucket_it_ends(bucket: int):
    assert bucket_of(FIRST_BOUND_SECONDS * RATIO**bucket) == bucket


def test_what_is_beyond_the_last_bound_is_counted_last():
    histogram = LatencyHistogram()
    histogram.observe(1e6)
    assert histogram.counts[-1] == 1
    assert len(histogram.counts) == BOUNDED_BUCKETS + 1


@given(st.lists(st.tuples(st.sampled_from([200, 400, 404, 500, 503]), st.floats(0, 5)), max_size=30))
def test_every_request_is_counted_once_and_never_forgotten(answers: list[tuple[int, float]]):
    counted = counters()
    for status, seconds in answers:
        counted.observe(status=status, seconds=seconds)
    told = json.loads(json.dumps(counted.to_json()))
    assert told["requests"] == len(answers) == sum(told["latency"]["counts"])
    assert told["errors"] == sum(status >= 500 for status, _ in answers)
    assert told["clientErrors"] == sum(400 <= status < 500 for status, _ in answers)


def test_the_counters_say_whose_they_are():
    assert counters().to_json() == {
        "schema": 3,
        "startedAt": 1.5,
        "pod": "ranker-0",
        "model": {"name": "ranker", "version": "v2", "digest": DIGEST},
        "requests": 0,
        "errors": 0,
        "clientErrors": 0,
        "latency": {"firstBound": 0.001, "ratio": 1.25, "counts": [0] * 52},
        "slices": {},
        "slicesLeftOut": 0,
        "before": None,
        "scores": {"scale": "logit-8-8-128", "counts": [0] * 131},
        "metrics": {},
        "labels": {"cohortSeconds": 60, "versions": {}},
    }


def test_the_counters_say_too_what_they_were_a_minute_ago():
    now = 0.0
    counted = replace(counters(), lately=Lately(requests_of, lambda: now))
    for answer in range(8000):
        now = answer / 40
        counted.observe(status=500 if answer < 4000 else 200, seconds=0.0011)
    before = counted.to_json()["before"]
    assert 55 <= (counted.requests - before["requests"]) / 40 <= 60
    assert before["errors"] == 4000
    assert sum(before["latency"]["counts"]) == before["requests"]


@pytest.mark.parametrize(("every_seconds", "answers"), [(0.05, 2000), (0.1, 2000), (1.0, 600), (20.0, 31)])
def test_where_answers_are_rare_they_say_what_they_were_longer_ago(every_seconds: float, answers: int):
    now = 0.0
    counted = replace(counters(), lately=Lately(requests_of, lambda: now))
    for answer in range(round(1200 / every_seconds)):
        now = answer * every_seconds
        counted.observe(status=200, seconds=0.0011)
    since = counted.requests - counted.to_json()["before"]["requests"]
    assert answers - EVERY_SECONDS / every_seconds <= since <= answers + 2 * EVERY_SECONDS / every_seconds


def test_what_was_counted_before_a_silence_of_ten_minutes_is_not_told():
    now = 0.0
    counted = replace(counters(), lately=Lately(requests_of, lambda: now))
    counted.observe(status=200, seconds=0.0011)
    now = 601.0
    assert counted.to_json()["before"] is None
    now = 3600.0
    counted.observe(status=200, seconds=0.0011)
    assert counted.to_json()["before"]["requests"] == 1


def test_an_answer_s_predictions_are_counted_and_waited_for_by_their_id():
    counted = replace(counters(), labels=LateLabels(lambda: 90.0))
    answer = prediction_id.read(counted.answered([0.25, 0.5]))
    assert answer == Answer("v2", 90, (0.25, 0.5))
    told = counted.to_json()
    assert sum(told["scores"]["counts"]) == 2
    assert [(end, predictions) for end, predictions, *_ in told["labels"]["versions"]["v2"]] == [(120, 2)]


def test_prometheus_reads_the_same_numbers():
    counted, registry = counters(), CollectorRegistry()
    registry.register(counted)
    for status in (200, 200, 400, 500):
        counted.observe(status=status, seconds=0.0011)
    text = generate_latest(registry).decode()
    assert 'shipway_predictor_requests_total{result="ok"} 2.0' in text
    assert 'shipway_predictor_requests_total{result="error"} 1.0' in text
    assert 'shipway_predictor_requests_total{result="clientError"} 1.0' in text
    assert 'shipway_predictor_request_duration_seconds_bucket{le="0.001"} 0.0' in text
    assert 'shipway_predictor_request_duration_seconds_bucket{le="0.00125"} 4.0' in text
    assert "shipway_predictor_request_duration_seconds_count 4.0" in text
    assert f'model_info{{digest="{DIGEST}",model="ranker",version="v2"}} 1.0' in text


async def call(
    counted: Counters,
    drain: Drain,
    *,
    path: str,
    status: int | None,
    header: tuple[bytes, bytes] = (b"x", b"y"),
    pieces: Sequence[bytes] = (b"{}",),
    asked: tuple[tuple[bytes, bytes], ...] = (),
) -> list[Message]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if status is None:
            raise RuntimeError("no answer")
        await send({"type": "http.response.start", "status": status, "headers": [header]})
        for place, piece in enumerate(pieces, start=1):
            await send({"type": "http.response.body", "body": piece, "more_body": place < len(pieces)})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    middleware = PredictionMiddleware(app, counters=counted, drain=drain)
    await middleware({"type": "http", "path": path, "headers": asked}, receive, send)
    return sent


PREDICT = "/v1/models/ranker:predict"


async def test_a_prediction_is_counted_and_says_its_version():
    counted = counters()
    start, _ = await call(counted, Drain(), path=PREDICT, status=200)
    assert (b"x-shipway-version", b"v2") in start["headers"]
    assert (b"x", b"y") in start["headers"]
    assert (counted.requests, counted.errors) == (1, 0)


async def test_what_an_answer_says_that_it_is_worth_is_summed_up():
    counted = counters()
    for clicks in (b"3/20", b"1/10"):
        await call(counted, Drain(), path=PREDICT, status=200, header=(b"X-Shipway-Metric-Clicks", clicks))
    assert counted.to_json()["metrics"]["clicks"] == {
        "answers": 2,
        "top": 4.0,
        "bottom": 30.0,
        "topSquares": 10.0,
        "products": 70.0,
        "bottomSquares": 500.0,
    }


WORTH = b'{"predictions": [0.5], "parameters": {"shipway-metric-clicks": "3/20"}}'


async def test_what_the_body_of_an_answer_says_that_it_is_worth_is_summed_up_in_either_protocol():
    counted = counters()
    for path in (PREDICT, "/v2/models/ranker/infer"):
        _, body = await call(counted, Drain(), path=path, status=200, pieces=[WORTH])
        assert body["body"] == WORTH
    assert counted.requests == 2
    assert (counted.metrics.sums["clicks"].answers, counted.metrics.sums["clicks"].top) == (2, 6.0)


async def test_an_answer_of_the_server_s_own_kind_comes_in_one_piece():
    counted, sent = counters(), []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    middleware = PredictionMiddleware(JSONResponse(json.loads(WORTH)), counters=counted, drain=Drain())
    await middleware({"type": "http", "path": PREDICT, "headers": ()}, receive, send)
    assert counted.metrics.sums["clicks"].answers == 1


@pytest.mark.parametrize("pieces", [(WORTH, b""), (b"", WORTH), (WORTH[:30], WORTH[30:])])
async def test_a_body_that_is_streamed_is_left_alone(pieces: Sequence[bytes]):
    counted = counters()
    _, *sent = await call(counted, Drain(), path=PREDICT, status=200, pieces=pieces)
    assert [message["body"] for message in sent] == list(pieces)
    assert counted.metrics.sums == {}


async def test_an_answer_is_counted_for_each_slice_that_its_request_declares():
    counted = counters()
    declared = ((b"x-shipway-slice", b"acme, de"),)
    await call(counted, Drain(), path=PREDICT, status=500, asked=declared)
    await call(counted, Drain(), path=PREDICT, status=200)
    slices = counted.to_json()["slices"]
    assert {name: (told["requests"], told["errors"]) for name, told in slices.items()} == {"acme": (1, 1), "de": (1, 1)}
    assert counted.requests == 2


async def test_a_probe_is_not_counted():
    counted = counters()
    await call(counted, Drain(), path="/v1/models/ranker", status=503)
    assert counted.requests == 0


async def test_a_request_without_an_answer_is_an_error():
    counted = counters()
    with pytest.raises(RuntimeError):
        await call(counted, Drain(), path=PREDICT, status=None)
    assert (counted.requests, counted.errors) == (1, 1)


async def test_a_leaving_pod_asks_its_clients_to_move_on():
    start, _ = await call(counters(), Drain(started=True), path=PREDICT, status=200)
    assert (b"connection", b"close") in start["headers"]
