"""What can be wrong with the numbers and the time: each time where a release stands, who answers, and what is said."""

import asyncio
import re
from typing import Any

import aiohttp
import pytest

from shipway.integrations.counter_reader import CounterReader
from shipway.integrations.prometheus import Prometheus
from shipway.integrations.tally import CANDIDATE, Target
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import GATES, STEPS, World
from unit.integrations.strangers import stranger

LATENCY = b'{"firstBound": 0.001, "ratio": 1.25, "counts": [9, 0, 0]}'


def requests_of(world: World) -> tuple[int, int]:
    """Answers of the new version and of stable that this step has counted."""
    evidence = world.board.reading_of().evidence
    return evidence.candidate.trials, evidence.stable.trials


class TestZeroTraffic:
    def test_holds_the_step_and_is_not_mistaken_for_missing_numbers(self):
        world = at("v2", 5)
        world.rate = 0.0
        world.run(25)
        assert (world.state(), world.share("v2")) == ("Stepping", 5)
        assert world.ready() == ("False", "AwaitingEvidence")
        assert "(after 300 s: Pause); errors: 0/0 vs stable" in world.status.summary
        assert "0 of 20 answers of the new version seen" in world.status.summary

    def test_after_the_hold_it_is_paused_and_says_that_no_gate_could_tell(self):
        world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": {"holdSeconds": 15}})
        world.rate = 0.0
        world.run(30)
        assert (world.state(), world.share("v2")) == ("Paused", 5)
        assert world.ready() == ("False", "Paused")
        assert "because a gate could not tell: errors: 0/0 vs stable" in world.status.summary
        assert "0 of 20 answers of the new version seen" in world.status.summary


class TestNotANumber:
    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b'{"schema": 1, "startedAt": NaN, "requests": 9, "errors": 0, "latency": %s}' % LATENCY, "startedAt: "),
            (b'{"schema": 1, "startedAt": 1, "requests": NaN, "errors": 0, "latency": %s}' % LATENCY, "requests: "),
        ],
        ids=["of a time", "of a count"],
    )
    def test_from_a_predictor_holds_everything_and_is_passed_on(self, answer: bytes, words: str):
        world = at("v2", 25)
        world.run(5)
        world.complaint = asyncio.run(made_of(answer))
        world.run(60)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "MetricsUnavailable")
        assert f"{words}Input should be a finite number" in world.status.summary
        assert "held until the counters can be read again" in world.status.summary
        world.complaint = ""
        world.until(lambda: world.share("v2") == 50, within=5)


async def made_of(answer: bytes) -> str:
    """What the operator's reader says of what a predictor answers."""
    async with stranger() as predictor:
        predictor.answer = answer
        reader = CounterReader(aiohttp.ClientSession(), port=predictor.port)
        try:
            said = await reader.read(Target("pod-0", "127.0.0.1", CANDIDATE))
        finally:
            await reader.close()
    assert isinstance(said, str)
    return said


class TestCounterResets:
    def test_lose_nothing_that_was_counted_and_are_no_errors(self):
        world = at("v2", 25)
        world.run(10)
        before = requests_of(world)
        for version in ("v1", "v2"):
            world.reset_counters(version)
        world.run(4)
        new, old = requests_of(world)
        assert 45 <= new - before[0] <= 51
        assert 140 <= old - before[1] <= 151
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert f"errors 0/{new} (0.00%) vs stable 0/{old} (0.00%)" in told(world)

    def test_do_not_hide_what_the_new_version_did_before(self):
        world = at("v2", 25)
        world.run(10)
        counted, _ = requests_of(world)
        world.errors["v2"] = 0.3
        for _ in range(20):
            world.run(0.5)
            if world.state() == "Aborted":
                break
            world.reset_counters("v2")
        world.run(1)
        assert (world.state(), world.share("v2")) == ("Aborted", 0)
        assert world.ready() == ("False", "Quarantined")
        (incident,) = world.incidents()
        found = re.search(r"errors: (\d+)/(\d+) \(.* of stable; .*worse than stable", world.status.summary)
        assert found is not None
        assert int(found[1]) > 3, "more errors than the counters can have counted between two resets"
        assert int(found[2]) >= counted
        assert found[0] in incident["spec"]["summary"]
        assert world.status.summary.endswith(" Meanwhile v1 answers.")


def told(world: World) -> str:
    """The sentence of the status, as soon as it has the newest numbers."""
    world.rate = 0.0
    world.run(2.5)
    return world.status.summary


def series(*values: str) -> dict[str, Any]:
    """What Prometheus says to a query."""
    found = [{"metric": {"pod": str(number)}, "value": [1800000000.5, value]} for number, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": found}}


async def tells(world: World, *values: str) -> None:
    """From now on the query gives these, read from a real socket as in a cluster."""
    async with stranger() as server, aiohttp.ClientSession() as session:
        server.answer = series(*values)
        url = f"http://127.0.0.1:{server.port}"
        world.strangers.measured = await Prometheus(url, session=session).number("busy")


class TestPrometheus:
    BUSY = {"name": "busy", "type": "PromQL", "query": "busy", "limit": "0.8", "intervalSeconds": 5}  # noqa: RUF012
    EMPTY = "the query gives no series; write one that gives exactly one"
    NAN = "the query gives NaN, which is no number to compare"

    async def watched(self, **rollout: Any) -> World:
        """A world in which v2 has a quarter of the traffic and Prometheus has told one good number of it."""
        steps = [{"setWeight": 25}, {"pause": {"seconds": 30}}, {"setWeight": 50}, {"pause": {"seconds": 20}}]
        world = released(rollout={"steps": steps, "gates": [*GATES, self.BUSY], "bakeSeconds": 20} | rollout)
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        await tells(world, "0.4")
        world.run(6)
        return world

    def says(self, world: World) -> tuple[str, str]:
        found = next(gate for gate in world.status.rollout.gates if gate.name == "busy")
        return found.verdict, found.message

    @pytest.mark.parametrize(("values", "why"), [((), EMPTY), (("NaN",), NAN)], ids=["empty", "NaN"])
    async def test_that_gives_no_number_holds_the_step_and_lets_it_go_on_when_it_gives_one(
        self, values: tuple[str, ...], why: str
    ):
        world = await self.watched()
        await tells(world, *values)
        world.run(60)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "MetricsUnavailable")
        assert self.says(world) == ("Error", why)
        assert f"busy: {why}; held until there is an answer" in world.status.summary
        assert world.incidents() == []
        await tells(world, "0.4")
        world.run(6)
        assert self.says(world) == ("Inconclusive", "2 of 3 good measurements seen")
        world.until(lambda: world.share("v2") == 50, within=10)
        world.until(lambda: world.serves("v2"), within=120)
        assert world.incidents() == []

    async def test_that_gives_no_number_is_neither_good_nor_an_excuse_for_what_was_bad_before(self):
        world = await self.watched()
        await tells(world, "0.9")
        world.run(5)
        await tells(world, "NaN")
        world.run(20)
        assert (world.share("v2"), self.says(world)) == (25, ("Error", self.NAN))
        await tells(world, "0.9")
        world.until(lambda: world.share("v1") == 100, within=6)
        (incident,) = world.incidents()
        assert incident["spec"]["summary"] == "busy: 0.9; at most 0.8 is allowed; 2 measurements in a row were worse"

    async def test_that_stays_empty_calls_for_a_person_who_is_told_the_gate_and_the_query_s_fault(self):
        world = await self.watched(errorSeconds=20)
        await tells(world)
        world.until(lambda: bool(world.incidents()), within=60)
        (incident,) = world.incidents()
        assert (incident["spec"]["type"], incident["spec"]["gate"]) == ("GateError", "busy")
        assert self.EMPTY in incident["spec"]["summary"]
        assert (world.state(), world.share("v2")) == ("Stepping", 25)

    async def test_whose_counters_began_anew_gives_a_rate_after_a_while_and_is_no_error_until_then(self):
        """A rate takes two samples: of a pod that has just restarted it is empty for one scrape or two."""
        world = await self.watched()
        await tells(world)
        world.run(10)
        assert self.says(world) == ("Inconclusive", self.EMPTY)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        await tells(world, "0")
        world.until(lambda: world.share("v2") == 50, within=20)
        world.run(1)
        assert world.ready() == ("False", "Progressing")

    async def test_that_was_empty_all_the_time_promotes_nothing(self):
        world = await self.watched(inconclusive={"holdSeconds": 15, "then": "Promote"})
        await tells(world)
        world.run(120)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "MetricsUnavailable")


class TestClockBack:
    def test_the_step_begins_its_wait_anew_and_no_weight_moves(self):
        world = at("v2", 25)
        world.run(20)
        world.now -= 3600
        world.run(1)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert "v2 at 25 % (step 2/4, 0 s of 30 s)" in world.status.summary
        assert 27 <= world.until(lambda: world.share("v2") == 50) <= 31

    def test_the_gates_watch_on_and_the_numbers_are_told(self):
        world = at("v2", 25)
        world.run(20)
        world.now -= 3600
        world.run(5)
        candidate, _ = requests_of(world)
        assert abs(world.status.rollout.evidence[0].requests - candidate) <= 50
        world.errors["v2"] = 0.3
        world.until(lambda: world.share("v1") == 100, within=6)
        assert world.ready() == ("False", "Quarantined")

    def test_in_every_other_wait_lengthens_it_by_no_more_than_itself(self):
        world = at("v2", 100)
        world.run(10)
        world.now -= 3600
        assert world.until(lambda: world.state() == "Completed", within=60) <= 22
        world.now -= 3600
        world.until(lambda: len(world.services()) == 1, within=8)
        assert world.serves("v2")

    def test_leaves_a_first_version_its_time(self):
        world = World(rollout={"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 20})
        world.boot["v1"] = float("inf")
        world.run(10)
        world.now -= 3600
        world.run(15)
        assert "at most 20 s" in world.status.summary
        world.run(10)
        assert "not ready after 20 s" in world.status.summary


class TestLateLabels:
    """A day late, where the gate waits for a minute."""

    CALIBRATION = {"name": "calibration", "type": "Calibration", "windowSeconds": 60, "onFail": "Abort"}  # noqa: RUF012
    ROLLOUT: dict[str, Any] = {  # noqa: RUF012
        "steps": [{"setWeight": 50}, {"pause": {"seconds": 150}}],
        "gates": [*GATES, CALIBRATION],
        "inconclusive": {"holdSeconds": 30, "then": "Pause"},
    }

    def test_hold_the_step_with_how_many_have_come(self):
        world = self.release()
        world.run(160)
        assert (world.state(), world.share("v2")) == ("Stepping", 50)
        assert world.ready() == ("False", "AwaitingEvidence")
        assert "calibration: 0/0 vs stable 0/0, 0 of 30 labels of the new version seen" in world.status.summary

    def test_pause_it_in_the_end_and_are_not_counted_when_they_come(self):
        world = self.release()
        world.run(200)
        assert (world.state(), world.share("v1"), world.share("v2")) == ("Paused", 50, 50)
        assert world.ready() == ("False", "Paused")
        assert world.incidents() == []
        assert "because a gate could not tell: calibration: 0/0 vs stable 0/0" in world.status.summary
        world.labels_late = 0.0
        world.tick()
        counted = next(gate for gate in world.status.rollout.gates if gate.name == "calibration")
        assert counted.samples == 0

    def release(self) -> World:
        world = World(rollout=self.ROLLOUT)
        world.labels_late = 86_400.0
        world.outcome |= {"v1": (0.3, 0.3), "v2": (0.9, 0.3)}
        world.until(lambda: world.serves("v1"))
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 50)
        return world


class TestTrafficMixThatShiftsWithTheWeight:
    """Simpson: easy requests come at 5 %, hard ones at 50 %, and the versions are alike in both."""

    def test_is_not_held_against_the_new_version(self):
        world = at("v2", 50)
        sides = {role: self.answers(world, version) for role, version in (("new", "v2"), ("old", "v1"))}
        world.errors |= {"v1": 0.2, "v2": 0.2}
        world.run(8)
        assert (world.state(), world.share("v2")) == ("Stepping", 50)
        assert "no evidence of harm in" in world.status.summary
        pooled = {
            role: (self.errors(world, version), self.answers(world, version))
            for role, version in (("new", "v2"), ("old", "v1"))
        }
        assert sides["new"] < sides["old"] / 3
        assert self.share(pooled["new"]) > self.share(pooled["old"]) + 0.03, "pooled, it would look worse"
        world.until(lambda: world.serves("v2"))
        assert world.incidents() == []

    def answers(self, world: World, version: str) -> int:
        return sum(world.counters(pod).requests for pod in world.ready_pods(world.service_of(version)))

    def errors(self, world: World, version: str) -> int:
        return sum(world.counters(pod).errors for pod in world.ready_pods(world.service_of(version)))

    def share(self, counts: tuple[int, int]) -> float:
        errors, answers = counts
        return errors / answers


class TestStableFailsTogetherWithTheCandidate:
    def test_alike_moves_nothing_back_and_the_numbers_of_both_are_told(self):
        world = at("v3", 25)
        world.run(5)
        world.errors |= {"v1": 0.3, "v3": 0.3}
        world.run(20)
        assert (world.state(), world.share("v3")) == ("Stepping", 25)
        assert world.incidents() == []
        assert world.ready() == ("False", "Progressing")
        new, old = world.status.rollout.evidence
        assert new.errors / new.requests > 0.2
        assert f"vs stable {old.errors}/{old.requests}" in world.status.summary

    def test_but_less_takes_the_new_version_back_without_quarantine(self):
        world = at("v3", 25)
        world.run(15)
        world.errors |= {"v1": 0.2, "v3": 0.7}
        world.until(lambda: world.share("v1") == 100, within=6)
        (incident,) = world.incidents()
        assert incident["spec"]["quarantine"] is False
        world.run(1)
        assert (world.state(), world.ready()) == ("Aborted", ("False", "RolledBack"))
        assert "stable got worse as well, so the version is not quarantined" in world.status.summary
        assert world.status.summary.endswith("Meanwhile v1 answers.")

    def test_on_one_node_that_dies_leaves_the_route_as_it_is(self):
        world = released()
        world.change(version="v3")
        world.until(lambda: world.share("v3") == 25)
        before = world.shares()
        for version in ("v1", "v3"):
            world.set_ready(version, False)
        world.run(5)
        assert (world.state(), world.shares()) == ("Stepping", before)
        assert world.ready() == ("False", "PredictorStarting")
        assert world.condition("Serving") == ("False", "NotServing")
        assert world.status.summary == (
            "v3 at 25 % (step 2/4, setting 25 %; v1 has no ready replica: its pods are starting): "
            "no ready replica: its pods are starting; nobody answers until a replica is ready"
        )
        assert world.incidents() == []
        for version in ("v1", "v3"):
            world.set_ready(version, True)
        world.run(3)
        assert (world.state(), world.shares()) == ("Stepping", before)
