"""Going back to a version that was stable before: at once, to any that is kept, and it lasts until the spec changes."""

import pytest

from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import HTTP_ROUTE, MODEL_VERSION
from unit.controllers.servingdeployment.world import GATES, World

ROLLOUT = {"steps": [{"setWeight": 50}, {"pause": {"seconds": 1}}], "gates": GATES, "bakeSeconds": 2}


def served(*versions: str) -> World:
    """A world in which these versions were stable, one after the other, and the last one is."""
    world = World(rollout=ROLLOUT)
    world.until(lambda: world.serves("v1"))
    for version in versions[1:]:
        world.release(version)
    world.run(8)
    return world


def undone(world: World, *, to: str = "", id_: str = "1") -> str:
    """What the operator answers to an undo."""
    world.act("undo", id_=id_, to=to)
    world.tick()
    return world.status.actions[-1].result


def kept(world: World) -> list[str]:
    return [ref.version for ref in world.status.kept]


def test_every_version_that_was_stable_is_kept_newest_first_and_none_of_them_runs():
    world = served("v1", "v2", "v3")
    assert kept(world) == ["v2", "v1"]
    assert list(world.services()) == [world.status.stable.inference_service]


def test_the_versions_kept_are_bounded_in_number():
    world = served("v1", "v2")
    for number in range(1, 8):
        world.change(predictor={"minReplicas": 1, "maxReplicas": 4, "runtime": f"runtime-{number}"})
        world.run(1)
        world.until(lambda: world.ready()[1] == "Serving")
    assert len(world.status.kept) == 5


def test_the_newest_is_gone_back_to_at_once_with_no_step_between():
    world = served("v1", "v2")
    before = len(world.route_shares("v1"))
    assert undone(world) == "going back from v2 to v1 as soon as it is ready; it took 2 s to be ready last time"
    world.until(lambda: world.share("v1") == 100, within=5)
    assert set(world.route_shares("v1")[before:]) == {0, 100}
    assert world.condition("Guarded") == ("False", "NoGates")


def test_any_other_is_gone_back_to_when_it_is_named():
    world = served("v1", "v2", "v3")
    undone(world, to="v1")
    world.until(lambda: world.share("v1") == 100, within=5)
    world.until(lambda: world.state() == "Completed")
    assert kept(world) == ["v3", "v2"]


def test_it_runs_with_the_predictor_it_had():
    world = served("v1")
    world.change(predictor={"minReplicas": 1, "maxReplicas": 4, "runtime": "newer"}, version="v2")
    world.until(lambda: world.serves("v2"))
    undone(world)
    world.until(lambda: world.share("v1") == 100, within=5)
    service = world.services()[world.service_of("v1")]
    assert service["spec"]["predictor"]["model"]["runtime"] == "shipway-ranker"


def test_the_version_that_is_left_is_held_with_an_incident_until_it_is_retried():
    world = served("v1", "v2")
    undone(world)
    world.until(lambda: world.state() == "Completed")
    world.run(10)
    assert world.ready() == ("False", "Quarantined")
    assert "v2 was taken back at" in world.status.summary
    assert "undone by ada: because" in world.status.summary
    (incident,) = world.incidents()
    assert (incident["spec"]["gate"], incident["spec"]["stableVersion"]) == ("undo", "v1")
    assert world.status.abort.route_confirmed_at is not None
    world.act("retry", id_="2")
    world.until(lambda: world.serves("v2"))


def test_it_lasts_through_other_changes_of_the_spec_and_ends_with_another_version():
    world = served("v1", "v2")
    undone(world)
    world.until(lambda: world.state() == "Completed")
    world.change(rollout=ROLLOUT | {"bakeSeconds": 5})
    world.run(20)
    assert world.share("v1") == 100
    world.release("v3")


def test_a_spec_that_catches_up_is_served():
    world = served("v1", "v2")
    undone(world)
    world.until(lambda: world.state() == "Completed")
    world.change(version="v1")
    world.until(lambda: world.serves("v1"), within=2)


def test_it_asks_no_gate_and_waits_for_no_counters():
    world = served("v1", "v2")
    world.metrics_work = False
    undone(world)
    world.until(lambda: world.share("v1") == 100, within=5)


def test_the_version_that_is_left_is_kept_running_through_the_bake_and_an_abort_goes_back_to_it():
    world = served("v1", "v2")
    undone(world)
    world.until(lambda: world.state() == "Baking")
    world.act("abort", id_="2")
    world.tick()
    assert world.share("v2") == 100


def test_a_version_that_does_not_start_is_given_up_and_the_traffic_stays_where_it_is():
    world = given_up()
    assert world.share("v2") == 100
    assert HTTP_ROUTE.kind not in [what.split()[1] for _, what in world.log[-3:]]


def test_another_version_that_is_wanted_meanwhile_comes_first():
    world = served("v1", "v2")
    undone(world)
    world.change(version="v3")
    world.until(lambda: world.serves("v3"))
    assert world.status.abort.route_confirmed_at is not None


@pytest.mark.parametrize(
    ("versions", "to", "answer"),
    [
        (("v1",), "", "nothing to undo: no earlier version is kept"),
        (("v1", "v2"), "v9", "refused: v9 is not kept; there are: v1"),
    ],
)
def test_where_there_is_nowhere_to_go_it_says_so(versions: tuple[str, ...], to: str, answer: str):
    assert undone(served(*versions), to=to) == answer


def test_while_a_release_is_under_way_abort_is_the_verb():
    world = served("v1", "v2")
    world.change(version="v3")
    world.run(1)
    assert undone(world) == "refused: v3 is being released; abort takes it back at once"


def test_a_version_that_was_taken_back_is_passed_over():
    world = served("v1", "v2", "v3")
    undone(world)
    world.until(lambda: world.state() == "Completed")
    assert kept(world) == ["v3", "v1"]
    assert undone(world, to="v3", id_="2").startswith("refused: v3 is held by Incident ranker-undo-")
    assert undone(world, id_="3").startswith("going back from v2 to v1")


def test_a_version_whose_artifact_is_gone_is_refused():
    world = served("v1", "v2")
    del world.objects[MODEL_VERSION.kind, "ranker-v1"]
    assert undone(world) == "refused: ModelVersion ranker-v1 is gone, or is another one now"


@pytest.mark.parametrize("crash_after", range(1, 13))
def test_an_operator_that_dies_after_any_write_goes_back_once_and_leaves_one_incident(crash_after: int):
    world = served("v1", "v2")
    world.crash_at = world.writes + crash_after
    world.act("undo", id_="1")
    world.until(lambda: world.state() == "Completed" and world.share("v1") == 100)
    world.run(8)
    assert world.crashes == 1
    assert len(world.incidents()) == len(world.status.actions) == 1
    assert list(world.services()) == [world.status.stable.inference_service]
    assert world.ready() == ("False", "Quarantined")


def test_a_restored_cluster_stays_with_the_version_that_was_gone_back_to():
    world = served("v1", "v2")
    undone(world)
    world.until(lambda: world.state() == "Completed")
    world.run(8)
    del world.sdep["status"]
    world.restart_operator()
    world.run(20)
    assert world.share("v1") == 100
    assert world.ready() == ("False", "Quarantined")


def given_up() -> World:
    """A world in which v2 was to be left, v1 did not start, and the undo was given up."""
    world = World(rollout=ROLLOUT | {"progressDeadlineSeconds": 10})
    world.until(lambda: world.serves("v1"))
    world.release("v2")
    world.run(8)
    world.boot["v1"] = float("inf")
    undone(world)
    world.until(lambda: world.state() == "Aborted", within=15)
    return world


def of_undo(world: World) -> tuple[str, str, str]:
    """Reason and message of Ready, and the reason of Mitigated, in the Incident of the undo."""
    (incident,) = (obj for obj in world.incidents() if obj["spec"]["gate"] == "undo")
    plan = reconcile(Snapshot(incident, world.sdep, world.now))
    world.put({**incident, "status": plan.status})
    said = {c.type: c for c in IncidentStatus.model_validate(plan.status).conditions}
    return said["Ready"].reason, said["Ready"].message, said["Mitigated"].reason


def test_one_that_was_given_up_leaves_its_incident_open_and_says_who_answers_still():
    world = given_up()
    ready, message, mitigated = of_undo(world)
    assert (ready, mitigated) == ("Open", "UndoGivenUp")
    assert message.startswith("v2 answers still, since the undo to v1 ended (ProgressDeadlineExceeded)")


def test_which_is_mitigated_once_another_version_answers_instead():
    world = given_up()
    world.release("v3")
    world.run(8)
    assert of_undo(world)[0] == "NotAcknowledged"
    assert of_undo(world)[2] == "Mitigated"


def test_or_resolved_when_a_person_lets_the_version_answer():
    world = given_up()
    of_undo(world)
    world.act("retry", id_="2", by="bob")
    world.run(1)
    assert of_undo(world) == ("Resolved", "bob lets v2 answer", "Lifted")
    assert world.serves("v2")


@pytest.mark.parametrize("crash_after", [None, *range(1, 7)])
def test_who_calls_it_off_resolves_its_incident_and_the_version_is_held_no_more(crash_after: int | None):
    world = served("v1", "v2")
    undone(world)
    world.until(lambda: world.state() == "Baking")
    of_undo(world)
    world.crash_at = crash_after and world.writes + crash_after
    world.act("abort", id_="2", by="bob")
    world.until(lambda: world.serves("v2"))
    world.run(8)
    (incident,) = (obj for obj in world.incidents() if obj["spec"]["gate"] == "undo")
    assert incident["status"]["lifted"]["by"] == "bob"
    assert incident["status"]["lifted"]["reason"] == "the undo was aborted by bob: because"
    assert of_undo(world) == ("Resolved", "bob lets v2 answer", "Lifted")


def test_one_that_is_called_off_before_it_took_the_traffic_was_never_mitigated():
    world = served("v1", "v2")
    world.boot["v1"] = 30.0
    undone(world)
    world.run(2)
    world.act("abort", id_="2", by="bob")
    world.until(lambda: world.serves("v2"))
    assert of_undo(world) == ("Resolved", "bob lets v2 answer", "Lifted")
