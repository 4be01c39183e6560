"""A budget that burns calls for somebody, release or not, blames no version, and is over only when that is certain."""

from collections.abc import Callable
from typing import Any

import pytest

from shipway.analysis.burn import WINDOWS, Burn
from shipway.analysis.counts import Count
from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.api.v1alpha1.objectives import ObjectiveStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.controllers.servingdeployment.objectives import NUMBERS_SECONDS
from shipway.integrations.budgets import Budgets
from shipway.kube.resource import INCIDENT, Object
from unit.controllers.servingdeployment.world import KEY, World

AVAILABILITY = {"name": "availability", "type": "Availability", "target": "0.999"}
STALE = {"name": "age", "type": "Metric", "metric": "worth", "target": "0.95", "atMost": "300"}
STALE |= {"incident": "StaleFeatures"}
DAY = 86_400.0


def serving(*objectives: dict[str, Any], **spec: Any) -> World:
    """A world in which v1 has all the traffic."""
    world = World(objectives=list(objectives or (AVAILABILITY,)), **spec)
    world.until(lambda: world.serves("v1"))
    return world


def burn(share: float = 0.0, *, read: float = DAY, steady: float = DAY, answers: int = 40_000) -> Burn:
    """What is read where so many of the answers are bad in every window."""
    counts = {minutes: Count(answers, round(answers * share)) for minutes in WINDOWS}
    return Burn(0.001, counts, read=read, steady=steady)


def tell(world: World, said: Burn, problem: str = "", name: str = "availability") -> None:
    """What the counters say from now on."""
    told = Budgets({name: said}, problem)
    world.budgets.reading = lambda key: told if key == KEY else None  # type: ignore[method-assign]
    world.reconcile()


def burning(**spec: Any) -> World:
    """A world in which somebody was called."""
    world = serving(**spec)
    tell(world, burn(0.021))
    world.reconcile()
    return world


def objective(world: World) -> ObjectiveStatus:
    (found,) = world.status.objectives
    return found


def met(world: World) -> tuple[str, str]:
    return world.condition("ObjectivesMet")


def message(world: World) -> str:
    return next(c.message for c in world.status.conditions if c.type == "ObjectivesMet")


def incident_status(world: World) -> IncidentStatus:
    """The status of the one Incident there is, after its own controller has looked."""
    (incident,) = world.incidents()
    sdep = world.objects.get(("ServingDeployment", "ranker"))
    plan = reconcile(Snapshot(incident, sdep, world.now, gone=sdep is None))
    world.put({**incident, "status": plan.status})
    return IncidentStatus.model_validate(plan.status)


def is_open(world: World) -> bool:
    ready = next(c for c in incident_status(world).conditions if c.type == "Ready")
    assert (ready.status, ready.reason) in {("False", "Open"), ("True", "Resolved")}
    return ready.reason == "Open"


def only_incident(world: World) -> Object:
    (incident,) = world.incidents()
    return incident


def test_an_outage_without_any_release_calls_for_somebody_within_two_minutes():
    world = serving()
    world.errors["v1"] = 1.0
    assert world.until(lambda: bool(world.incidents())) <= 120
    assert met(world) == ("False", "BudgetBurning")
    assert world.ready() == ("True", "Serving")


def test_errors_that_the_budget_allows_call_nobody():
    world = serving()
    world.errors["v1"] = 0.002
    world.run(400)
    assert world.incidents() == []
    assert met(world) == ("True", "Met")


def test_a_new_deployment_is_met_once_five_minutes_were_read_and_then_writes_nothing_more():
    world = serving()
    assert met(world) == ("Unknown", "NotEnoughData")
    world.until(lambda: met(world) == ("True", "Met"), within=330)
    before = world.writes
    world.run(120)
    assert world.writes == before


def test_without_objectives_there_is_no_condition_and_nothing_is_read():
    world = World()
    world.until(lambda: world.serves("v1"))
    assert met(world) == ("", "")
    assert world.budgets.reading(KEY) is None
    assert "objectives" not in world.sdep["status"] or world.status.objectives == []


def test_the_incident_has_owner_numbers_and_the_version_that_answers_and_holds_nobody():
    world = burning()
    spec = only_incident(world)["spec"]
    assert (spec["type"], spec["gate"], spec["version"]) == ("SLOBurn", "availability", "v1")
    assert (spec["owner"], spec["onCall"], spec["severity"]) == ("reco", "reco-pager", "Critical")
    assert not spec["quarantine"]
    told = "2.1 % of 40,000 answers failed in the last hour, 21 times what the budget of 0.1 % allows"
    assert spec["summary"] == f"availability: {told}"
    assert message(world) == f"availability: {told}"
    assert [entry["candidate"] for entry in spec["evidence"]] == [
        f"840 of 40000 answers bad in {minutes} min" for minutes in (5, 30, 60, 360)
    ]
    assert {entry["bound"] for entry in spec["evidence"]} == {"21.0 times the budget"}
    assert objective(world).incident == only_incident(world)["metadata"]["name"]
    assert is_open(world)
    assert not incident_status(world).suspects


@pytest.mark.parametrize(("share", "words"), [(1.0, ", 1,000 times"), (0.021, ", 21 times"), (0.0072, ", 7.2 times")])
def test_how_many_times_too_fast_is_a_number_for_people(share: float, words: str):
    world = serving()
    tell(world, burn(share))
    assert words in objective(world).message


def test_windows_that_are_not_full_say_since_when_they_were_read():
    world = serving()
    tell(world, burn(0.5, read=120, steady=120))
    assert "answers failed since 20" in objective(world).message
    assert "when reading began, 500 times" in objective(world).message


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"name": "availability", "type": "Latency", "target": "0.999", "milliseconds": 200}, "took more than 200 ms"),
        (STALE | {"name": "availability"}, "came while worth was above 300"),
        (
            {"name": "availability", "type": "Metric", "target": "0.999", "atLeast": "0.5"},
            "came while availability was below 0.5",
        ),
    ],
)
def test_it_is_said_what_was_bad_about_the_answers(declared: dict[str, Any], words: str):
    world = serving(declared)
    tell(world, burn(0.5))
    assert words in message(world)


def test_features_that_are_old_have_an_incident_of_their_own_type():
    world = serving(STALE)
    world.worth["v1"] = 900.0
    world.until(lambda: bool(world.incidents()), within=180)
    assert only_incident(world)["spec"]["type"] == "StaleFeatures"
    assert "worth was above 300" in only_incident(world)["spec"]["summary"]


def test_features_that_are_fresh_call_nobody():
    world = serving(STALE)
    world.worth["v1"] = 200.0
    world.run(330)
    assert met(world) == ("True", "Met")


def test_it_is_resolved_once_when_it_is_certain_that_it_is_over():
    world = burning()
    assert is_open(world)
    tell(world, burn(0.0))
    assert met(world) == ("True", "Met")
    assert not is_open(world)
    ended = incident_status(world).mitigated_at
    world.run(5)
    assert incident_status(world).mitigated_at == ended
    events = [entry.event for entry in incident_status(world).timeline]
    assert events[0] == "the budget of availability burns"
    assert len(events) == 2
    assert [note.reason for note in world.notes if note.reason in {"BudgetBurning", "Met"}] == ["BudgetBurning", "Met"]


def test_a_budget_that_burns_once_more_has_another_incident():
    world = burning()
    tell(world, burn(0.0))
    world.run(5)
    tell(world, burn(0.5))
    world.reconcile()
    assert len(world.incidents()) == 2


def test_a_restarted_operator_forgets_no_burn_and_ends_none_before_it_has_read_long_enough():
    world = burning()
    before, writes = objective(world), world.writes
    world.restart_operator()
    world.run(NUMBERS_SECONDS - 10)
    assert objective(world) == before
    assert world.writes == writes
    world.run(40)
    assert (objective(world).state, objective(world).since) == ("Burning", before.since)
    assert objective(world).message.endswith("; it is not certain yet that this is over")
    assert world.writes == writes + 1
    assert is_open(world)


def test_a_restarted_operator_goes_on_calling_met_what_was_met():
    world = serving()
    tell(world, burn(0.0))
    before = world.writes
    world.restart_operator()
    world.run(60)
    assert met(world) == ("True", "Met")
    assert world.writes == before


def test_what_was_met_is_unknown_once_no_answer_was_counted_for_six_hours():
    world = serving(STALE | {"name": "availability"})
    tell(world, burn(0.0))
    tell(world, burn(0.0, steady=3600, answers=0))
    assert met(world) == ("True", "Met")
    tell(world, burn(0.0, answers=0))
    assert met(world) == ("Unknown", "NotEnoughData")
    assert message(world).endswith("and answers with the header x-shipway-metric-worth")


def test_counters_that_cannot_be_read_make_it_unknown_and_say_why():
    world = serving()
    tell(world, burn(0.0))
    world.restart_operator()
    world.metrics_work = False
    world.until(lambda: met(world) == ("Unknown", "MetricsUnavailable"))
    assert "connection refused" in message(world)
    world.metrics_work = True
    world.until(lambda: met(world) == ("Unknown", "NotEnoughData"))


def test_counters_that_cannot_be_read_end_no_burn():
    world = burning()
    tell(world, burn(0.0, steady=0), problem="the counters of pod a cannot be read")
    assert met(world) == ("False", "BudgetBurning")
    assert is_open(world)


def test_numbers_are_written_every_five_minutes_while_it_burns_and_nothing_in_between():
    world = burning()
    tell(world, burn(0.5))
    before, first = world.writes, objective(world)
    world.run(NUMBERS_SECONDS - 10)
    assert world.writes == before
    world.run(20)
    assert world.writes == before + 1
    assert objective(world).windows != first.windows
    assert (objective(world).since, objective(world).incident) == (first.since, first.incident)


def test_a_new_version_may_be_released_meanwhile_for_it_may_be_the_cure():
    world = burning(rollout={"steps": [{"setWeight": 50}], "gates": []})
    world.change(version="v2")
    world.until(lambda: world.serves("v2"))
    assert met(world) == ("False", "BudgetBurning")
    assert is_open(world)


def test_all_that_answer_count_in_a_release_and_who_is_mirrored_does_not():
    steps = [{"mirror": {}}, {"pause": {"seconds": 60}}, {"setWeight": 20}, {"pause": {"seconds": 600}}]
    world = serving(rollout={"steps": steps, "gates": []})

    def read() -> set[str]:
        return {target.role for target in world.budgets._followers[KEY].targets}

    world.change(version="v2")
    world.until(lambda: world.is_mirrored("v2"))
    assert read() == {world.service_of("v1")}
    world.until(lambda: world.share("v2") == 20)
    world.run(1)
    assert read() == {world.service_of("v1"), world.service_of("v2")}


def is_deleted(world: World) -> None:
    del world.objects["ServingDeployment", "ranker"]


def is_no_objective_any_more(world: World) -> None:
    world.change(objectives=[])
    world.reconcile()


@pytest.mark.parametrize("end", [is_deleted, is_no_objective_any_more])
def test_it_is_resolved_where_nobody_asks_for_it_any_more(end: Callable[[World], None]):
    world = burning()
    assert is_open(world)
    end(world)
    assert not is_open(world)


def test_one_that_somebody_deleted_is_made_again_while_it_lasts():
    world = burning()
    name = only_incident(world)["metadata"]["name"]
    del world.objects[INCIDENT.kind, name]
    world.reconcile()
    assert only_incident(world)["metadata"]["name"] == name


@pytest.mark.parametrize("crash_after", range(1, 4))
def test_an_operator_that_dies_after_any_write_leaves_one_incident(crash_after: int):
    world = serving()
    world.crash_at = world.writes + crash_after
    world.errors["v1"] = 1.0
    world.until(lambda: bool(world.incidents()), within=240)
    world.crash_at = None
    world.run(60)
    assert len(world.incidents()) == 1
    assert is_open(world)


def test_of_two_objectives_the_one_that_burns_is_named_and_the_other_is_not():
    fast = {"name": "fast", "type": "Latency", "target": "0.99", "milliseconds": 200}
    world = serving(AVAILABILITY, fast)
    world.slow["v1"] = 1.0
    world.until(lambda: bool(world.incidents()), within=180)
    assert {status.name: status.state for status in world.status.objectives}["fast"] == "Burning"
    assert message(world).startswith("fast: 100 % of")
    assert "availability" not in message(world)


def test_a_clock_that_went_back_keeps_the_numbers_coming():
    world = burning()
    world.now -= 3600
    tell(world, burn(0.5))
    world.run(NUMBERS_SECONDS + 10)
    assert objective(world).windows[0].bad == 20_000
