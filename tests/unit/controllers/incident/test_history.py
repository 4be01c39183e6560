"""Of the incidents of a model the newest closed ones are kept, more of those that are over, and all others."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from shipway.api.conditions import rfc3339
from shipway.controllers.incident.history import KEPT, KEPT_OVER, too_old
from shipway.controllers.incident.people import ACKNOWLEDGED_BY, RESOLVED_BY
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import Object
from unit.controllers.incident.test_reconcile import LATER, NOW, incident

LIFTED = {"by": "ada", "time": rfc3339(NOW + 30)}


def closed(number: int, *, model: str = "ranker", held: bool = False, acknowledged: bool = True) -> Object:
    """An incident that was mitigated; closed, unless nobody acknowledged it or it holds a version."""
    status = {"mitigatedAt": rfc3339(NOW + 3), **({} if held else {"lifted": LIFTED})}
    obj = copy.deepcopy(incident(status, **({ACKNOWLEDGED_BY: "ada"} if acknowledged else {})))
    name = f"{model}-{number:03}"
    obj["metadata"] |= {"name": name, "uid": name, "resourceVersion": str(number + 1)}
    obj["spec"] |= {"model": model, "detectedAt": rfc3339(NOW + number)}
    return {**obj, "status": reconcile(Snapshot(obj, None, LATER)).status}


def doomed(incidents: list[Object], kept: int = KEPT, kept_over: int = KEPT_OVER) -> list[str]:
    found = too_old(incidents, model="ranker", kept=kept, kept_over=kept_over)
    return [deletion.name for deletion in found]


def test_the_oldest_goes_when_there_is_one_too_many() -> None:
    assert doomed([closed(n) for n in range(KEPT)]) == []
    assert doomed([closed(n) for n in range(KEPT + 1)]) == ["ranker-000"]


def test_one_that_holds_a_version_stays_however_old_it_is() -> None:
    assert doomed([closed(0, held=True), *(closed(n) for n in range(1, 4))], kept=2) == ["ranker-001"]


def test_one_that_nobody_acknowledged_outlives_those_that_somebody_did() -> None:
    assert doomed([closed(0, acknowledged=False), closed(1), closed(2)], kept=1) == ["ranker-001"]


def test_those_that_nobody_acknowledged_are_bounded_as_well() -> None:
    unseen = [closed(n, acknowledged=False) for n in range(KEPT_OVER + 1)]

    assert doomed(unseen[1:]) == []
    assert doomed(unseen) == ["ranker-000"]
    assert reconcile(Snapshot(unseen[-1], None, LATER, others=unseen)).writes != ()


def test_one_whose_harm_lasts_stays_however_old_it_is_and_whoever_closed_it() -> None:
    lasting = incident(**{RESOLVED_BY: "ada"})
    lasting["spec"]["quarantine"] = False
    lasting["status"] = reconcile(Snapshot(lasting, None, LATER)).status

    assert doomed([lasting, closed(1), closed(2)], kept=0, kept_over=1) == ["ranker-001", "ranker-002"]


def test_another_models_are_not_counted() -> None:
    assert doomed([closed(0), *(closed(n, model="other") for n in range(5))], kept=1) == []


def test_what_is_deleted_is_what_was_looked_at() -> None:
    (deletion,) = too_old([closed(0), closed(1)], model="ranker", kept=1)

    assert (deletion.uid, deletion.version) == ("ranker-000", "1")


def test_the_pass_of_a_closed_one_makes_room_and_leaves_its_own_status_alone_when_it_goes_itself() -> None:
    incidents = [closed(n) for n in range(KEPT + 1)]

    def plan_of(obj: Object) -> tuple[int, bool]:
        plan = reconcile(Snapshot(obj, None, LATER, others=incidents))
        return len(plan.writes), plan.status is not None

    assert plan_of(incidents[-1]) == (1, True)
    assert plan_of(incidents[0]) == (1, False)


def test_an_open_one_deletes_nothing() -> None:
    incidents = [closed(n) for n in range(KEPT + 1)]

    assert reconcile(Snapshot(closed(99, held=True), None, LATER, others=incidents)).writes == ()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12), st.integers(0, 5), st.integers(0, 5))
def test_what_stays_is_bounded_but_for_what_holds_a_version(
    states: list[tuple[bool, bool]], kept: int, more: int
) -> None:
    incidents = [closed(n, held=held, acknowledged=seen) for n, (held, seen) in enumerate(states)]
    shut = [obj["metadata"]["name"] for obj, (held, seen) in zip(incidents, states, strict=True) if seen and not held]

    over = [obj["metadata"]["name"] for obj, (held, _) in zip(incidents, states, strict=True) if not held]
    old = {*shut[: max(0, len(shut) - kept)], *over[: max(0, len(over) - kept - more)]}

    assert doomed(incidents, kept, kept + more) == sorted(old)
