"""The operator dies after any one of its writes, and nobody can tell from what became of the release."""

from typing import Any, get_args

import pytest

from shipway.api.v1alpha1.gates import Gate
from unit.controllers.servingdeployment.world import GATES, World

QUICK = [{"setWeight": 20}, {"pause": {"seconds": 3}}, {"setWeight": 50}, {"pause": {"seconds": 3}}]
ROLLOUT: dict[str, Any] = {"steps": QUICK, "gates": GATES, "bakeSeconds": 3}
THAT_COUNT = [
    *GATES,
    {"name": "latency", "type": "Latency", "margin": "0.05"},
    {"name": "ratio", "type": "SampleRatio", "margin": "0.05"},
    {"name": "scores", "type": "PredictionShift", "margin": "0.1", "onFail": "Abort"},
    {"name": "worth", "type": "BusinessMetric", "margin": "0.1"},
    {"name": "calibration", "type": "Calibration"},
    {"name": "entropy", "type": "NormalizedEntropy", "onFail": "Observe"},
    {"name": "answers", "type": "AnswerDiff", "onFail": "Abort"},
]
THAT_ASK = [
    {"name": "quality", "type": "Evaluation", "evaluation": {"name": "auc"}, "limit": "0.5"},
    {"name": "load", "type": "PromQL", "query": "load", "limit": "1", "measurements": 1, "intervalSeconds": 5},
    {"name": "approval", "type": "Webhook", "service": {"name": "approvals"}, "intervalSeconds": 5},
]


def serving(gates: list[dict[str, Any]] = GATES) -> World:
    world = World(rollout=ROLLOUT | {"gates": gates})
    world.worth |= {"v1": 0.5, "v2": 0.5}
    world.until(lambda: world.serves("v1"))
    return world


def twinned_release(crash_after: int | None, errors: float) -> World:
    return release_by({"compareWith": "Twin"}, crash_after, errors)


def shadow_release(crash_after: int | None, errors: float) -> World:
    return release_by({"steps": [{"mirror": {}}, {"pause": {"seconds": 3}}, *QUICK]}, crash_after, errors)


def release_by(rules: dict[str, Any], crash_after: int | None, errors: float) -> World:
    world = World(rollout=ROLLOUT | rules)
    world.until(lambda: world.serves("v1"))
    world.errors["v2"] = errors
    world.crash_at = crash_after and world.writes + crash_after
    world.change(version="v2")
    world.until(lambda: world.serves("v2") or world.state() == "Aborted", within=120)
    world.run(8)
    return world


def good_release(crash_after: int | None, gates: list[dict[str, Any]] = GATES) -> World:
    world = serving(gates)
    world.crash_at = crash_after and world.writes + crash_after
    world.release("v2")
    world.run(8)
    return world


def bad_release(crash_after: int | None) -> World:
    world = serving()
    world.change(version="v3")
    world.until(lambda: world.share("v3") == 50)
    world.run(2)
    world.errors["v3"] = 0.5
    world.crash_at = crash_after and world.writes + crash_after
    world.until(lambda: world.state() == "Aborted")
    world.run(8)
    return world


@pytest.mark.parametrize("crash_after", range(1, 30))
def test_a_good_release_walks_the_same_steps(crash_after: int):
    world = good_release(crash_after)
    assert world.crashes == 1
    assert [record.weight for record in world.status.rollout.history] == [20, 50, 100]
    assert world.incidents() == []
    assert list(world.services()) == [world.status.stable.inference_service]


@pytest.mark.parametrize("gates", [THAT_COUNT, THAT_ASK], ids=["that count", "that ask"])
@pytest.mark.parametrize("crash_after", range(1, 30, 4))
def test_so_does_one_that_is_watched_by_every_type_of_gate(crash_after: int, gates: list[dict[str, Any]]):
    world = good_release(crash_after, gates)
    assert world.crashes == 1
    assert [record.weight for record in world.status.rollout.history] == [20, 50, 100]
    assert world.incidents() == []


@pytest.mark.parametrize("crash_after", range(1, 30))
def test_one_that_is_mirrored_first_is_mirrored_once(crash_after: int):
    world = shadow_release(crash_after, errors=0.0)
    assert world.crashes == 1
    assert [record.weight for record in world.status.rollout.history] == [0, 20, 50, 100]
    copied = world.mirrorings("v2")
    assert copied.count(True) == 1, "the mirror was set anew"
    assert list(world.services()) == [world.status.stable.inference_service]


@pytest.mark.parametrize("crash_after", range(1, 18))
def test_a_bad_one_that_is_mirrored_never_gets_a_weight(crash_after: int):
    world = shadow_release(crash_after, errors=0.3)
    assert world.crashes == 1
    assert set(world.route_shares("v2")) == {0}
    assert (world.mirror(), world.status.stable.version) == ("", "v1")
    (incident,) = world.incidents()
    assert incident["spec"]["summary"] == world.status.abort.message


@pytest.mark.parametrize("crash_after", range(1, 36, 2))
def test_one_beside_a_twin_has_one_twin_and_leaves_none(crash_after: int):
    world = twinned_release(crash_after, errors=0.0)
    assert world.crashes == 1
    assert [record.weight for record in world.status.rollout.history] == [20, 50, 100]
    assert len({status.twin.inference_service for status in world.statuses if status.twin}) == 1
    assert list(world.services()) == [world.status.stable.inference_service]


@pytest.mark.parametrize("crash_after", range(1, 20, 2))
def test_a_bad_one_beside_a_twin_is_taken_back_and_leaves_none(crash_after: int):
    world = twinned_release(crash_after, errors=0.3)
    assert world.crashes == 1
    (incident,) = world.incidents()
    assert incident["spec"]["version"] == "v2"
    assert list(world.services()) == [world.status.stable.inference_service]
    assert world.status.stable.version == "v1"


def test_there_is_a_gate_of_every_type():
    assert {gate["type"] for gate in (*THAT_COUNT, *THAT_ASK)} == set(get_args(Gate.model_fields["type"].annotation))


@pytest.mark.parametrize("crash_after", range(1, 8))
def test_a_bad_release_is_taken_back_once_and_for_the_same_reason(crash_after: int):
    world = bad_release(crash_after)
    assert world.crashes == 1
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == world.status.abort.gate == "errors"
    assert incident["spec"]["summary"] == world.status.abort.message
    assert world.status.abort.route_confirmed_at is not None
    lowered = next(i for i, share in enumerate(world.route_shares("v3")) if i > 1 and share == 0)
    assert set(world.route_shares("v3")[lowered:]) == {0}, "it got traffic again after it had been taken back"


def test_an_abort_by_hand_that_was_interrupted_is_recorded_as_done():
    world = serving()
    world.change(version="v2")
    world.until(lambda: world.share("v2") == 20)
    world.act("abort", id_="1", by="ada")
    world.crash_at = world.writes + 1
    world.run(2)
    (record,) = world.status.actions
    assert record.result.startswith("taken back")
    assert world.state() == "Aborted"
