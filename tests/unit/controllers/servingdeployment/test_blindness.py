"""Gates that cannot tell for long call for a person: one Incident for each release, which blames and holds nobody."""

from collections.abc import Callable
from typing import Any

import pytest

from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import INCIDENT, Object
from unit.controllers.servingdeployment.world import GATES, STEPS, World

ROLLOUT: dict[str, Any] = {"steps": STEPS, "gates": GATES, "bakeSeconds": 2, "errorSeconds": 20}


def releasing(weight: int = 5, **rollout: Any) -> World:
    """A world in which v2 has a share of the traffic beside v1."""
    world = World(rollout=ROLLOUT | rollout)
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    world.until(lambda: world.share("v2") == weight)
    return world


def blind(weight: int = 5, **rollout: Any) -> World:
    """A world in which the counters of such a release could not be read for so long that somebody is called."""
    world = releasing(weight, **rollout)
    world.metrics_work = False
    world.until(lambda: bool(world.incidents()), within=40)
    return world


def only_incident(world: World) -> Object:
    """The one Incident there is, after its own controller has looked."""
    (incident,) = world.incidents()
    sdep = world.objects.get(("ServingDeployment", "ranker"))
    plan = reconcile(Snapshot(incident, sdep, world.now, gone=sdep is None))
    return world.put({**incident, "status": plan.status})


def is_open(world: World) -> bool:
    """Whether the one Incident is open; else it is resolved."""
    status = IncidentStatus.model_validate(only_incident(world)["status"])
    ready = next(c for c in status.conditions if c.type == "Ready")
    assert (ready.status, ready.reason) in {("False", "Open"), ("True", "Resolved")}
    return ready.reason == "Open"


def test_a_person_is_called_when_it_has_lasted_for_error_seconds_and_not_before():
    world = releasing()
    world.metrics_work = False
    took = world.until(lambda: bool(world.incidents()), within=40)
    assert 20 <= took <= 25


def test_the_incident_has_the_reason_and_the_owner_and_blames_and_holds_nobody():
    world = blind()
    spec = only_incident(world)["spec"]
    assert (spec["type"], spec["gate"]) == ("GateError", "counters")
    assert (spec["owner"], spec["onCall"], spec["severity"]) == ("reco", "reco-pager", "Critical")
    assert (spec["version"], spec["stableVersion"], spec["weight"]) == ("v2", "v1", 5)
    assert "connection refused; v2 stays at 5 % until they can" in spec["summary"]
    assert not spec["quarantine"]
    assert "suspects" not in spec
    assert world.ready() == ("False", "MetricsUnavailable")
    assert world.status.summary.endswith(f"(Incident {only_incident(world)['metadata']['name']})")


def test_versions_that_cannot_be_compared_call_for_a_person_too_and_the_gate_is_named():
    ratio = {"name": "ratio", "type": "SampleRatio", "margin": "0.02"}
    world = releasing(gates=[*GATES, ratio])
    world.lost["v2"] = 0.5
    world.until(lambda: bool(world.incidents()), within=60)
    assert only_incident(world)["spec"]["gate"] == "ratio"
    assert world.ready() == ("False", "NotComparable")


def test_what_is_only_observed_calls_nobody():
    until_promoted = [{"setWeight": 5}, {"pause": {}}]
    world = releasing(steps=until_promoted, gates=[GATES[0] | {"onFail": "Observe"}])
    world.metrics_work = False
    world.run(60)
    assert world.incidents() == []
    assert world.ready() == ("False", "AwaitingPromotion")


def test_an_outage_that_is_shorter_calls_nobody_and_the_next_one_is_counted_from_its_own_beginning():
    world = releasing(inconclusive={"holdSeconds": 300})
    world.rate = 0.0
    for _ in range(3):
        world.metrics_work = False
        world.run(15)
        world.metrics_work = True
        world.run(3)
    assert world.incidents() == []


def recovers(world: World) -> None:
    world.metrics_work = True
    world.run(3)


def is_replaced(world: World) -> None:
    world.change(version="v1")
    world.until(lambda: world.state() == "Superseded")


def loses_its_gates(world: World) -> None:
    world.change(rollout={**ROLLOUT, "gates": []})
    world.run(1)


def is_deleted(world: World) -> None:
    del world.objects["ServingDeployment", "ranker"]


@pytest.mark.parametrize("end", [recovers, is_replaced, loses_its_gates, is_deleted])
def test_it_is_resolved_by_itself_when_the_gates_can_tell_again_or_the_release_is_over(end: Callable[[World], None]):
    world = blind()
    assert is_open(world)
    end(world)
    assert not is_open(world)


def test_a_release_that_is_aborted_meanwhile_resolves_it_and_has_the_incident_of_every_abort():
    world = blind()
    assert is_open(world)
    about_gates = only_incident(world)
    world.act("abort", id_="1")
    world.until(lambda: world.state() == "Aborted")
    plan = reconcile(Snapshot(about_gates, world.sdep, world.now))
    assert IncidentStatus.model_validate(plan.status).mitigated_at is not None
    assert sorted(incident["spec"]["type"] for incident in world.incidents()) == ["GateError", "Rollback"]


def test_a_second_outage_of_the_same_release_opens_the_same_incident_again():
    world = blind(inconclusive={"holdSeconds": 300})
    assert is_open(world)
    world.rate = 0.0
    world.metrics_work = True
    world.run(3)
    assert not is_open(world)
    world.metrics_work = False
    world.run(30)
    assert is_open(world)
    world.metrics_work = True
    world.run(3)
    assert not is_open(world)
    cannot, can = "the gates of v2 cannot tell", "the gates of v2 can tell again, or are not asked any more"
    assert [entry["event"] for entry in only_incident(world)["status"]["timeline"]] == [cannot, can, cannot, can]


def test_another_release_has_another_incident():
    world = blind()
    world.act("abort", id_="1")
    world.until(lambda: world.state() == "Aborted")
    world.change(version="v3")
    world.until(lambda: len(world.incidents()) == 3, within=60)
    gates = [incident for incident in world.incidents() if incident["spec"]["type"] == "GateError"]
    assert {incident["spec"]["version"] for incident in gates} == {"v2", "v3"}


def test_one_that_somebody_deleted_is_made_again_while_it_lasts():
    world = blind()
    name = only_incident(world)["metadata"]["name"]
    del world.objects[INCIDENT.kind, name]
    world.run(1)
    assert only_incident(world)["metadata"]["name"] == name


@pytest.mark.parametrize(("weight", "what"), [(5, "step"), (100, "bake")])
def test_who_promotes_meanwhile_is_told_what_that_waits_for(weight: int, what: str):
    world = blind(weight, bakeSeconds=600)
    world.act("promote", id_="1")
    world.run(2)
    result = world.status.actions[-1].result
    assert result.startswith(f"the {what} ends as soon as the counters can be read again: ")
    assert "connection refused" in result
    assert world.share("v2") == weight


def test_while_it_lasts_nothing_more_is_written_for_it():
    world = blind()
    world.run(1)
    before = world.writes
    world.run(20)
    created = [what for _, what in world.log[before:] if "Incident" in what]
    assert created == []


def test_a_restarted_operator_knows_since_when_it_lasts():
    world = releasing()
    world.metrics_work = False
    world.run(18)
    since = world.status.rollout.error_since
    world.restart_operator()
    took = world.until(lambda: bool(world.incidents()), within=30)
    assert world.status.rollout.error_since == since
    assert took <= 8


@pytest.mark.parametrize("crash_after", range(1, 12))
def test_an_operator_that_dies_after_any_write_leaves_one_incident(crash_after: int):
    world = releasing()
    world.crash_at = world.writes + crash_after
    world.metrics_work = False
    world.until(lambda: bool(world.incidents()) and not world.crash_at, within=60)
    world.run(30)
    assert world.crashes == 1
    assert is_open(world)
    assert world.share("v2") == 5
