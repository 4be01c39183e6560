"""The board against real HTTP counters: restarts, newcomers, silence, and going on after the operator's own end."""

import asyncio
import gzip
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shipway.analysis.bins import Bins, Scores
from shipway.analysis.counts import Count
from shipway.analysis.evidence import StepEvidence
from shipway.analysis.gate_types.error_rate import ErrorRate
from shipway.analysis.gate_types.label_quality import LabelQuality
from shipway.analysis.gate_types.sample_ratio import SampleRatio
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.labels import Cohort, Labelled
from shipway.analysis.measure import PROPORTION
from shipway.analysis.quality import Calibration
from shipway.analysis.ratio import Ratio
from shipway.integrations.counter_reader import CounterReader
from shipway.integrations.counters import CounterBoard
from shipway.integrations.tally import CANDIDATE, STABLE, Assignment, Counters, Follower, Reading, Target
from shipway.kube.resource import Key

KEY = Key("ServingDeployment", "team", "ranker")
EVIDENCE = StepEvidence((ErrorRate("errors", Comparison.begin(Tolerance(0.01, 30, 0.01), PROPORTION)),))
_hosts = itertools.count(2)


class Predictor:
    """A real HTTP server that counts, on a loopback address of its own."""

    def __init__(self) -> None:
        self.address = f"127.77.{os.getpid() % 250 + 1}.{next(_hosts)}"
        self.started, self.requests, self.errors = 1000.0, 0, 0
        self.before: tuple[int, int] | None = None
        self.answer: Callable[[], Any] = self.counters
        self.port = 0

    def counters(self) -> dict[str, Any]:
        before = _totals(*self.before) if self.before else None
        return {
            "schema": 1,
            "startedAt": self.started,
            **_totals(self.requests, self.errors),
            "before": before,
        }

    async def handle(self, _: web.Request) -> web.Response:
        body = self.answer()
        return body if isinstance(body, web.Response) else web.json_response(body)


def _totals(requests: int, errors: int) -> dict[str, Any]:
    latency = {"firstBound": 0.001, "ratio": 1.25, "counts": [requests, 0, 0]}
    return {"requests": requests, "errors": errors, "latency": latency}


@asynccontextmanager
async def predictors(count: int = 2, port: int = 8090) -> AsyncIterator[list[Predictor]]:
    made, runners = [Predictor() for _ in range(count)], []
    for predictor in made:
        app = web.Application()
        app.router.add_get("/counters", predictor.handle)
        runners.append(web.AppRunner(app, access_log=None, shutdown_timeout=0.1))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], predictor.address, port).start()
    try:
        yield made
    finally:
        for runner in runners:
            await runner.cleanup()


@asynccontextmanager
async def board(
    period: float = 0.02, *, spread: bool = False
) -> AsyncIterator[tuple[CounterBoard[Assignment, Reading], list[Key]]]:
    woken: list[Key] = []
    begin, reader = partial(Follower, monotonic=time.monotonic), CounterReader(aiohttp.ClientSession())
    made = CounterBoard(begin, reader=reader, on_sample=woken.append, period=period, spread=spread)
    try:
        yield made, woken
    finally:
        await made.close()


async def read_from(predictor: Predictor) -> Counters | str:
    reader = CounterReader(aiohttp.ClientSession())
    try:
        return await reader.read(Target("pod-0", predictor.address, CANDIDATE))
    finally:
        await reader.close()


def assignment(made: list[Predictor], token: str = "1", **more: Any) -> Assignment:
    roles = [CANDIDATE, STABLE]
    targets = tuple(Target(f"pod-{i}", p.address, roles[i % 2]) for i, p in enumerate(made))
    return Assignment(token, targets, EVIDENCE, **more)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("weights", "stable"),
    [({CANDIDATE: 0, STABLE: 100}, Count(900, 9)), ({CANDIDATE: 5, STABLE: 95}, Count()), ({}, Count())],
    ids=["before the first weight", "with a weight", "while the gateway has not taken the route"],
)
async def test_stable_s_last_minute_counts_only_before_the_new_version_has_traffic(
    weights: dict[str, int], stable: Count
):
    async with predictors() as made, board() as (counters, _):
        for predictor in made:
            predictor.requests, predictor.errors, predictor.before = 1000, 10, (100, 1)
        counters.follow(KEY, assignment(made, weights=weights))
        await until(lambda: counters.reading(KEY).fresh)
        assert counters.reading(KEY).evidence.stable == stable
        assert counters.reading(KEY).evidence.candidate == Count()


async def test_counts_what_comes_after_the_first_look_and_wakes_the_release():
    async with predictors() as made, board() as (counters, woken):
        made[0].requests, made[0].errors = 500, 50
        counters.follow(KEY, assignment(made))
        await until(lambda: counters.reading(KEY).fresh)
        made[0].requests, made[0].errors, made[1].requests = 510, 53, 30
        await until(lambda: counters.reading(KEY).evidence.candidate == Count(10, 3))
        await until(lambda: counters.reading(KEY).evidence.stable == Count(30, 0))
        assert KEY in woken


async def test_predictions_are_read_where_they_are_counted():
    async with predictors() as made:
        answer = made[0].counters() | {"schema": 2, "scores": {"scale": "halves", "counts": [3, 4]}}
        made[0].answer = lambda: answer
        read = [await read_from(predictor) for predictor in made]
        assert [counted.scores for counted in read] == [Scores("halves", Bins((3, 4))), None]


async def test_business_metrics_are_read_where_they_are_counted():
    sums = {"answers": 2, "top": 4, "bottom": 30, "topSquares": 10, "products": 70, "bottomSquares": 500}
    async with predictors() as made:
        answer = made[0].counters() | {"schema": 2, "metrics": {"clicks": sums}}
        made[0].answer = lambda: answer
        read = await read_from(made[0])
        assert read.metrics == {"clicks": Ratio(2, 4, 30, 10, 70, 500)}


async def test_slices_are_read_where_they_are_counted_and_as_they_were_a_minute_ago():
    sliced = {"slices": {"acme": _totals(3, 1)}}
    async with predictors() as made:
        answer = made[0].counters() | {"schema": 3, **sliced, "slicesLeftOut": 7, "before": _totals(2, 0) | sliced}
        made[0].answer = lambda: answer
        read, plain = [await read_from(predictor) for predictor in made]
        acme = read.slices["acme"]
        assert (acme.requests, acme.errors, acme.latency.counts) == (3, 1, (3, 0, 0))
        assert (read.left_out, read.before.slices) == (7, {"acme": acme})
        assert plain.slices is None


ROW = [120, 7, 4, 1, 0.8, 0.2, 0.2, 2.3, 2.6, 1.6]
"""The end of a cohort, its predictions, and its sums."""


async def test_labels_are_told_with_their_version_whoever_counted_them():
    roles = [Predictor(), Predictor()]
    labelled = StepEvidence(
        (LabelQuality("calibration", Calibration.begin(Tolerance(0.1, 30, 0.01)), window=60, until=100),)
    )
    told = replace(assignment(roles), evidence=labelled, versions={CANDIDATE: "v2", STABLE: "v1"}, at=200.0)
    follower = Follower(told, lambda: 100.0)
    cohort = Cohort(120, 7, Labelled(4, 1, 0.8, 0.2, 0.2, 2.3, 2.6, 1.6))
    for requests in (10, 20):
        follower.take({t: Counters(1.0, requests, 0, labels={"v2": (cohort,)}) for t in follower.targets})
    (gate,) = follower.reading().evidence.gates
    assert (gate.judge().candidate.trials, gate.judge().stable.trials) == (8, 0)


async def test_labels_are_read_where_they_are_counted():
    async with predictors() as made:
        answer = made[0].counters() | {"schema": 2, "labels": {"cohortSeconds": 60, "versions": {"v1": [ROW]}}}
        made[0].answer = lambda: answer
        read = await read_from(made[0])
        assert read.labels == {"v1": (Cohort(120, 7, Labelled(4, 1, 0.8, 0.2, 0.2, 2.3, 2.6, 1.6)),)}


async def test_another_step_begins_at_the_evidence_it_is_given():
    async with predictors() as made, board() as (counters, _):
        counters.follow(KEY, assignment(made))
        await until(lambda: counters.reading(KEY).fresh)
        made[0].requests = 10
        await until(lambda: counters.reading(KEY).evidence.candidate.trials == 10)
        counters.follow(KEY, assignment(made, token="2"))
        assert counters.reading(KEY).evidence.candidate == Count()
        made[0].requests = 15
        await until(lambda: counters.reading(KEY).evidence.candidate.trials == 5)


async def test_goes_on_where_an_earlier_operator_stopped():
    async with predictors() as made, board() as (counters, _):
        made[0].requests, made[0].errors = 120, 7
        kept = {"pod-0": Counters(1000.0, 100, 5)}
        counters.follow(KEY, assignment(made, positions=kept))
        await until(lambda: counters.reading(KEY).evidence.candidate == Count(20, 2))


async def test_shares_of_the_traffic_are_told_once_the_gateway_had_time_to_follow_the_route():
    now = 100.0
    roles = [Predictor(), Predictor()]
    weighed = StepEvidence((SampleRatio("ratio", Tolerance(0.01, 30, 0.01)),))
    follower = Follower(replace(assignment(roles), evidence=weighed), lambda: now)

    def answered(weights: dict[str, int], requests: int) -> tuple[int | None, int, int]:
        follower.assign(replace(assignment(roles, weights=weights), evidence=weighed))
        follower.take(dict.fromkeys(follower.targets, Counters(1.0, requests, 0)))
        (gate,) = follower.reading().evidence.gates
        assert isinstance(gate, SampleRatio)
        return gate.weight, gate.candidate, gate.stable

    half = {CANDIDATE: 50, STABLE: 50}
    assert answered(half, 10) == (None, 0, 0)
    now += 1.0
    assert answered(half, 20) == (None, 0, 0)
    now += 1.5
    assert answered(half, 30) == (50, 10, 10)
    assert answered({}, 40) == (50, 10, 10)
    assert answered(half, 50) == (50, 10, 10)
    now += 3.0
    assert answered(half, 60) == (50, 20, 20)


async def test_silence_is_an_error_after_some_seconds_and_not_before():
    now = 100.0
    follower = Follower(assignment([Predictor(), Predictor()]), lambda: now)
    targets = follower.targets
    follower.take(dict.fromkeys(targets, "connection refused"))
    assert (follower.reading().fresh, follower.reading().problem) == (False, "")
    now = 103.5
    follower.take(dict.fromkeys(targets, "connection refused"))
    assert follower.reading().problem == "the counters of pod pod-0 cannot be read: connection refused"
    follower.take(dict.fromkeys(targets, Counters(1.0, 1, 0)))
    assert (follower.reading().fresh, follower.reading().problem) == (True, "")


async def test_one_pod_of_the_new_version_that_cannot_be_read_is_enough_to_stop():
    now = 0.0
    follower = Follower(assignment([Predictor() for _ in range(4)]), lambda: now)
    now = 4.0
    answers: dict[Target, Counters | str] = {target: Counters(1.0, 1, 0) for target in follower.targets}
    answers[follower.targets[2]] = "timed out"
    follower.take(answers)
    assert "pod-2" in follower.reading().problem
    answers[follower.targets[2]] = Counters(1.0, 1, 0)
    answers[follower.targets[3]] = "timed out"
    follower.take(answers)
    assert follower.reading().problem == ""


VALID = Predictor().counters() | {"schema": 2}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(status=503), "503"),
        (lambda: web.Response(text="<html>"), "json"),
        (lambda: {"schema": 4}, "schema"),
        (lambda: VALID | {"slices": {f"s{i}": _totals(1, 0) for i in range(33)}}, "slices"),
        (lambda: VALID | {"slices": {"acme": _totals(1, 2)}}, "slices.acme"),
        (lambda: VALID | {"slices": {"a" * 64: _totals(1, 0)}}, "slices"),
        (lambda: VALID | {"slicesLeftOut": -1}, "slicesleftout"),
        (lambda: VALID | {"scores": {"scale": "tenths", "counts": [0] * 513}}, "scores.counts"),
        (lambda: VALID | {"scores": {"scale": "tenths", "counts": [1, -1]}}, "scores.counts"),
        (lambda: VALID | {"metrics": {"clicks": {"answers": 1, "top": -1}}}, "metrics.clicks.top"),
        (lambda: VALID | {"metrics": {f"m{i}": {} for i in range(17)}}, "metrics"),
        (lambda: VALID | {"labels": {"versions": {"v1": [[120, 7, 1, 2, *ROW[4:]]]}}}, "larger than the whole"),
        (lambda: VALID | {"labels": {"versions": {"v1": [ROW] * 129}}}, "labels.versions.v1"),
        (lambda: VALID | {"labels": {"versions": {f"v{i}": [] for i in range(5)}}}, "labels.versions"),
        (lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1/elsewhere"}), "302"),
        (lambda: web.Response(body=b" " * 200_000), "longer than 131072 bytes"),
        (lambda: web.Response(body=gzip.compress(b" " * 100), headers={"Content-Encoding": "gzip"}), "json"),
        (lambda: {"schema": 1, "startedAt": 1, "requests": 10**30, "errors": 0}, "requests"),
        (lambda: web.Response(text='{"schema": 1, "startedAt": NaN}'), "startedat"),
        (lambda: {"schema": 1, "startedAt": 1, "requests": 1, "errors": 2, "latency": None}, "latency"),
    ],
)
async def test_what_is_wrong_with_an_answer_is_said(answer: Callable[[], Any], words: str):
    async with predictors() as made:
        made[0].answer = answer
        said = await read_from(made[0])
        assert isinstance(said, str)
        assert words in said.lower()
        assert f"http://{made[0].address}:8090/counters" in said


async def test_what_a_pod_writes_into_a_complaint_is_printable_and_in_one_line():
    async with predictors(1) as made:
        made[0].answer = lambda: VALID | {"metrics": {"a\n\x1b[31mb": {"answers": 1, "top": -1}}}
        said = await read_from(made[0])
        assert isinstance(said, str)
        assert said.isprintable()
        assert "metrics.a [31mb.top" in said


async def test_deployments_are_read_one_after_the_other_where_a_board_is_to_spread_them():
    keys = [Key("ServingDeployment", "team", f"ranker-{number}") for number in range(20)]
    async with predictors(1) as (predictor,), board(0.5, spread=True) as (counters, woken):
        began = time.monotonic()
        for key in keys:
            counters.follow(key, assignment([predictor]))
        await until(lambda: len(woken) >= len(keys) / 4)
        assert len(woken) < len(keys)
        await until(lambda: set(woken) == set(keys))
        assert time.monotonic() - began > 0.2
        assert counters.readings().keys() == set(keys)


async def test_pods_of_a_version_that_count_latency_differently_are_told_and_the_reading_goes_on():
    async with predictors(3) as made, board() as (counters, _):
        coarse = {"firstBound": 0.001, "ratio": 2.0, "counts": [0, 0, 0]}
        made[2].answer = lambda: made[2].counters() | {"latency": coarse}
        counters.follow(KEY, assignment(made))
        await until(lambda: (reading := counters.reading(KEY)) is not None and bool(reading.problem))
        reading = counters.reading(KEY)
        assert reading is not None
        assert reading.problem == (
            "the counters of pod pod-2 cannot be read: it counts latency in other buckets than pod pod-0; "
            "let all pods of a version count alike"
        )
        made[0].requests = 40
        await until(lambda: (now := counters.reading(KEY)) is not None and now.evidence.candidate.trials == 40)


async def test_slices_that_count_latency_differently_are_refused():
    async with predictors(1) as made:
        part = _totals(3, 1) | {"latency": {"firstBound": 0.001, "ratio": 2.0, "counts": [3, 0, 0]}}
        made[0].answer = lambda: made[0].counters() | {"schema": 3, "slices": {"acme": part}}
        assert "slice acme counts latency in other buckets" in await read_from(made[0])


async def test_a_fault_of_ours_is_logged_once_and_the_reading_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    faults = [ValueError("a fault"), ValueError("a fault")]
    take = Follower.take

    def taken(self: Follower, answers: Any) -> bool:
        if faults:
            raise faults.pop()
        return take(self, answers)

    monkeypatch.setattr(Follower, "take", taken)
    async with predictors() as made, board() as (counters, _):
        counters.follow(KEY, assignment(made))
        await until(lambda: (reading := counters.reading(KEY)) is not None and reading.fresh)
    assert [record.message for record in caplog.records if "cannot be folded in" in record.message] == [
        f"the counters of {KEY} cannot be folded in; what is known of them stays as it is"
    ]


async def test_a_release_that_is_forgotten_is_not_read_any_more():
    async with predictors() as made, board() as (counters, woken):
        counters.follow(KEY, assignment(made))
        await until(lambda: bool(woken))
        counters.forget(KEY)
        assert counters.reading(KEY) is None
        woken.clear()
        made[0].requests = 99
        await asyncio.sleep(0.1)
        assert woken == []
