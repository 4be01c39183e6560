"""Whoever looks after an incident or closes it is recorded, and their word holds for what there was then."""

from typing import Any

import pytest

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.incident import IncidentStatus, SignOff
from shipway.controllers.incident.people import ACKNOWLEDGED_BY, RESOLVED_BY
from shipway.kube.resource import Object
from unit.controllers.incident.test_reconcile import LATER, NOW, incident, said, subject, told

BACK = subject(rfc3339(NOW + 3))
NOT_BACK = subject(None)


def of_gates(before: IncidentStatus | None = None, **annotations: str) -> Object:
    obj = incident(before.to_wire() if before else None, **annotations)
    obj["spec"] |= {"type": "GateError", "quarantine": False}
    return obj


def blind(since: float) -> Object:
    """A release whose gates cannot tell."""
    rollout: dict[str, Any] = {
        "id": "v3-1",
        "version": "v3",
        "digest": "sha256:3",
        "predictorHash": "p",
        "inferenceService": "ranker-v3",
        "state": "Stepping",
        "startedAt": rfc3339(NOW),
        "errorSince": rfc3339(since),
        "errorIncident": "ranker-v3-1",
    }
    return {"status": {"rollout": rollout}}


def after(before: IncidentStatus, **annotations: str) -> Object:
    return incident(before.to_wire(), **annotations)


def message(status: IncidentStatus, type_: str = "Ready") -> str:
    return next(c.message for c in status.conditions if c.type == type_)


def test_who_has_acknowledged_it_is_in_the_status_with_the_time_and_stays_so():
    first = told(incident(**{ACKNOWLEDGED_BY: "ada"}), NOT_BACK)
    assert first.acknowledged == SignOff(by="ada", time=rfc3339(LATER))

    assert told(after(first, **{ACKNOWLEDGED_BY: "ada"}), NOT_BACK, now=LATER + 60).acknowledged == first.acknowledged
    taken_over = told(after(first, **{ACKNOWLEDGED_BY: "ben"}), NOT_BACK, now=LATER + 60)
    assert taken_over.acknowledged == SignOff(by="ben", time=rfc3339(LATER + 60))
    assert told(after(first), NOT_BACK).acknowledged is None


def test_an_acknowledgement_that_an_older_operator_took_down_keeps_its_time():
    first = told(incident(**{ACKNOWLEDGED_BY: "ada"}), NOT_BACK)
    older = first.model_copy(update={"acknowledged": None})

    later = told(after(older, **{ACKNOWLEDGED_BY: "ada"}), NOT_BACK, now=LATER + 60)

    assert (later.acknowledged, later.timeline) == (first.acknowledged, first.timeline)


def test_who_has_closed_it_need_not_acknowledge_it():
    status = told(incident(**{RESOLVED_BY: "ada"}), BACK)

    assert said(status)["Ready"] == ("True", "Resolved")
    assert said(status)["Acknowledged"] == ("False", "NotAcknowledged")
    assert status.resolved == SignOff(by="ada", time=rfc3339(LATER))
    assert status.timeline[-1].event == "resolved by ada"


def test_what_does_not_end_by_itself_is_closed_by_a_person_and_still_says_that_it_lasts():
    status = told(incident(**{RESOLVED_BY: "ada"}), NOT_BACK)

    assert said(status)["Ready"] == ("True", "Resolved")
    assert said(status)["Mitigated"] == ("False", "Mitigating")
    when = rfc3339(LATER)
    assert message(status) == f"resolved by ada at {when}, and not over: the traffic is not back on stable yet"


@pytest.mark.parametrize("type_", ["SLOBurn", "StaleFeatures", "TrainingHang"])
def test_every_type_can_be_closed_while_it_lasts(type_: str):
    obj = incident(**{RESOLVED_BY: "ada"})
    obj["spec"] |= {"type": type_, "quarantine": False}
    assert said(told(obj))["Ready"] == ("True", "Resolved")


def test_closing_it_lifts_no_quarantine():
    status = told(incident(**{RESOLVED_BY: "ada"}), BACK)

    assert said(status)["Quarantined"] == ("True", "Held")
    assert status.lifted is None


def test_it_is_open_again_when_the_word_is_taken_back():
    closed = told(incident(**{RESOLVED_BY: "ada"}), NOT_BACK)
    again = told(after(closed), NOT_BACK)

    assert (again.resolved, said(again)["Ready"]) == (None, ("False", "Open"))


def test_what_begins_anew_after_it_was_closed_calls_again_until_it_is_closed_anew():
    closed = told(of_gates(**{RESOLVED_BY: "ada"}), blind(NOW), now=NOW + 10)
    still = told(of_gates(closed, **{RESOLVED_BY: "ada"}), blind(NOW), now=NOW + 20)
    over = told(of_gates(still, **{RESOLVED_BY: "ada"}), NOT_BACK, now=NOW + 30)
    assert [said(status)["Ready"] for status in (closed, still, over)] == [("True", "Resolved")] * 3

    anew = told(of_gates(over, **{RESOLVED_BY: "ada"}), blind(NOW + 40), now=NOW + 400)
    assert (anew.resolved, said(anew)["Ready"]) == (closed.resolved, ("False", "Open"))
    taken_back = told(of_gates(anew), blind(NOW + 40), now=NOW + 410)
    closed_anew = told(of_gates(taken_back, **{RESOLVED_BY: "ada"}), blind(NOW + 40), now=NOW + 420)
    assert said(closed_anew)["Ready"] == ("True", "Resolved")


def test_what_a_newer_operator_made_is_read_and_left_as_it_is_until_a_person_closes_it():
    obj = incident()
    obj["spec"] |= {"type": "Drift", "quarantine": False}

    status = told(obj, BACK)
    assert (status.mitigated_at, status.timeline) == (None, [])
    assert (said(status)["Mitigated"], said(status)["Ready"]) == (("Unknown", "UnknownType"), ("False", "Open"))
    assert "this one knows no type Drift" in message(status)

    obj["status"] = {"mitigatedAt": rfc3339(NOW + 3)}
    assert said(told(obj, BACK))["Ready"] == ("True", "Resolved")
    obj["metadata"]["annotations"], obj["status"] = {RESOLVED_BY: "ada"}, {}
    assert said(told(obj, BACK))["Ready"] == ("True", "Resolved")
