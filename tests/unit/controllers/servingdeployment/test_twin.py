"""A new version is compared with a second copy of stable's that is as small and as young as it is."""

import copy
from typing import Any

import pytest

from shipway.api import labels
from shipway.kube.resource import INFERENCE_SERVICE, POD
from unit.controllers.servingdeployment.test_mirror import only_incident
from unit.controllers.servingdeployment.world import GATES, World

STEPS: list[dict[str, Any]] = [
    {"setWeight": 20},
    {"pause": {"seconds": 10}},
    {"setWeight": 70},
    {"pause": {"seconds": 10}},
]


def rollout(**more: Any) -> dict[str, Any]:
    return {"steps": STEPS, "gates": GATES, "bakeSeconds": 5, "compareWith": "Twin"} | more


def serving(*, rules: dict[str, Any] | None = None, **spec: Any) -> World:
    world = World(**({"rollout": rules or rollout()} | spec))
    world.until(lambda: world.serves("v1"))
    return world


def begun(**more: Any) -> World:
    """A world in which v2 has its first weight."""
    world = serving(**more)
    world.change(version="v2")
    world.until(lambda: world.share("v2") == 20)
    return world


def twin(world: World) -> str:
    assert world.status.twin is not None
    return world.status.twin.inference_service


def shares(world: World) -> tuple[int, int, int]:
    """Percent of stable, of its twin, and of the new version."""
    found, status = world.shares(), world.status
    refs = (status.stable, status.twin, status.candidate)
    stable, copied, new = (found.get(ref.inference_service, 0) if ref else 0 for ref in refs)
    return stable, copied, new


def set_ready(world: World, service: str, ready: bool) -> None:
    for name in list(world._pods(service)):
        pod = copy.deepcopy(world.find(POD, name))
        assert pod is not None
        world._set_pod(pod, ready=ready)


def test_the_twin_has_the_new_versions_share_and_its_size():
    world = begun(predictor={"minReplicas": 3, "maxReplicas": 8})
    assert shares(world) == (60, 20, 20)
    assert len(world.ready_pods(twin(world))) == len(world.ready_pods(world.service_of("v2"))) == 3
    marks = world.services()[twin(world)]["metadata"]["labels"]
    assert marks[labels.VERSION] == "v1"


def test_above_half_of_the_traffic_the_twin_has_what_is_left():
    world = begun()
    world.until(lambda: world.share("v2") == 70)
    assert shares(world) == (0, 30, 70)


def test_nobody_gets_traffic_before_the_twin_is_ready_too():
    world = serving()
    world.boot["v1"] = 8.0
    world.change(version="v2")
    world.run(6)
    assert world.share("v2") == 0
    assert "0 of 1 replicas of the twin of v1 ready (at most 600 s)" in world.status.summary
    world.until(lambda: shares(world) == (60, 20, 20))


def test_the_twin_ends_when_the_new_version_has_all_the_traffic():
    world = begun()
    copied = twin(world)
    world.until(lambda: world.state() == "Baking")
    assert world.status.twin is None
    world.until(lambda: world.serves("v2"))
    world.run(8)
    assert copied not in world.services()
    assert world.condition("Guarded") == ("True", "Guarded")


def test_gates_compare_with_the_twin_and_not_with_stable():
    world = begun()
    world.run(5)
    evidence = {kept.role: kept for kept in world.status.rollout.evidence}
    pods = {cursor.pod for cursor in evidence["Stable"].cursors}
    assert pods == set(world.ready_pods(twin(world)))
    assert abs(evidence["Stable"].requests - evidence["Candidate"].requests) <= 4


def test_a_bad_version_is_taken_back_and_the_twin_goes_with_it():
    world = serving()
    world.errors["v2"] = 0.3
    world.change(version="v2")
    world.until(lambda: world.state() == "Aborted")
    assert only_incident(world)["gate"] == "errors"
    world.run(8)
    assert list(world.services()) == [world.status.stable.inference_service]
    assert world.status.twin is None


def test_a_twin_that_is_lost_gives_its_share_to_stable_and_holds_the_release():
    world = begun()
    set_ready(world, twin(world), ready=False)
    world.boot["v1"] = float("inf")
    world.run(5)
    assert shares(world) == (80, 0, 20)
    assert world.ready() == ("False", "MetricsUnavailable")
    assert "the twin of v1 has no ready replica" in world.status.summary
    world.run(30)
    assert world.share("v2") == 20
    world.boot["v1"] = 0.0
    world.until(lambda: shares(world) == (60, 20, 20))
    world.until(lambda: world.serves("v2"), within=120)


def test_a_twin_that_is_lost_just_when_the_next_step_is_decided_on_gives_its_share_to_stable_as_well():
    world = begun()

    def lose_twin(seen: World) -> None:
        if seen.status.rollout is not None and seen.status.rollout.weights.desired == 70:
            seen.boot["v1"] = float("inf")
            set_ready(seen, twin(seen), ready=False)

    world.after_write = lose_twin
    world.run(20)
    assert shares(world) == (80, 0, 20)
    assert world.ready() == ("False", "MetricsUnavailable")
    assert world.status.summary.startswith("v2 at 20 % (step 2/3, setting 70 %): the twin of v1 has no ready replica")
    world.after_write = lambda _: None
    world.boot["v1"] = 0.0
    world.until(lambda: shares(world) == (0, 30, 70))


def test_a_twin_that_never_starts_ends_the_release_and_blames_nobody():
    world = serving(rules=rollout(progressDeadlineSeconds=10))
    world.boot["v1"] = float("inf")
    world.change(version="v2")
    world.until(lambda: world.state() == "Aborted", within=30)
    incident = only_incident(world)
    assert incident["summary"].startswith("the twin of v1 is not ready within 10 s")
    assert not incident["quarantine"]


def test_copies_of_requests_are_compared_with_those_that_stable_answers():
    world = serving(rules=rollout(steps=[{"mirror": {}}, {"pause": {"seconds": 5}}, *STEPS]))
    world.change(version="v2")
    world.until(lambda: world.is_mirrored("v2"))
    world.run(4)
    assert world.shares().get(twin(world), 0) == 0
    evidence = {kept.role: kept for kept in world.status.rollout.evidence}
    assert evidence["Stable"].requests > 100
    world.until(lambda: shares(world) == (60, 20, 20))


def test_an_undo_and_a_first_version_have_no_twin():
    world = serving()
    world.change(version="v2")
    world.until(lambda: world.serves("v2"))
    released = len(world.statuses)
    world.act("undo", id_="1")
    world.until(lambda: world.share("v1") == 100)
    undone = world.statuses[released:]
    assert any(status.rollout and status.rollout.undo for status in undone)
    assert not any(status.twin for status in undone)


@pytest.mark.parametrize(
    "rules",
    [{"steps": []}, {"gates": []}, {"steps": [{"mirror": {}}, {"pause": {"seconds": 5}}]}],
    ids=["all at once", "no gates", "mirrored and then all at once"],
)
def test_there_is_no_twin_where_nobody_would_look_at_it(rules: dict[str, Any]):
    world = serving(rules=rollout(**rules))
    world.change(version="v2")
    world.until(lambda: world.state() not in {"", "Completed"})
    assert world.status.twin is None


def test_a_deleted_twin_is_put_back():
    world = begun()
    copied = twin(world)
    del world.objects[INFERENCE_SERVICE.kind, copied]
    world.run(10)
    assert copied in world.services()
    world.until(lambda: world.serves("v2"), within=120)


def test_each_release_has_a_twin_of_its_own():
    world = begun()
    first = twin(world)
    world.change(version="v3")
    world.until(lambda: world.share("v3") == 20)
    assert twin(world) != first
    assert world.until(lambda: first not in world.services()) < 20


def test_a_lost_status_is_taken_up_without_the_twin_and_no_weight_of_the_new_version_moves():
    world = begun()
    copied = twin(world)
    world.put({**world.sdep, "status": {}})
    world.run(3)
    assert (world.status.stable.version, world.status.candidate.version) == ("v1", "v2")
    assert shares(world) == (80, 0, 20)
    world.run(10)
    assert copied not in world.services()
    world.until(lambda: world.serves("v2"), within=120)


def test_a_lost_status_at_half_each_still_knows_the_old_version_as_stable():
    world = serving(rules=rollout(steps=[{"setWeight": 50}, {"pause": {"seconds": 60}}]))
    world.change(version="v2")
    world.until(lambda: shares(world) == (0, 50, 50))
    world.put({**world.sdep, "status": {}})
    world.run(3)
    assert shares(world) == (50, 0, 50)
    assert (world.status.stable.version, world.status.candidate.version) == ("v1", "v2")
