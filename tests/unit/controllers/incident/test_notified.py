"""Receivers are told how far an incident is, and the status says what they know."""

from typing import Any

import pytest

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.incident import IncidentStatus, Notified
from shipway.controllers.incident.notified import NOTIFIED, notice, records, wanted
from shipway.controllers.incident.people import ACKNOWLEDGED_BY
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.integrations.notice import Outcome, Stage
from unit.controllers.incident.test_reconcile import LATER, NOW, incident, said, subject


def looked_at(
    *outcomes: Outcome, before: dict[str, Any] | None = None, mitigated: bool = False, **annotations: str
) -> IncidentStatus:
    about = subject(rfc3339(NOW + 3) if mitigated else None)
    snapshot = Snapshot(incident(before, **annotations), about, LATER, receivers=("alertmanager",))
    told = {"alertmanager": outcomes[0]} if outcomes else {}
    return IncidentStatus.model_validate(reconcile(Snapshot(**{**vars(snapshot), "outcomes": told})).status)


def asked(status: IncidentStatus, *, repeated: bool = False) -> str:
    """The stage that the receiver is to be told; empty for none."""
    return notice(incident(), status).stage if wanted(status, "alertmanager", repeated=repeated) else ""


ACKNOWLEDGED = {ACKNOWLEDGED_BY: "ada"}
OPENED = Outcome(Stage.OPENED, NOW + 1)


def test_it_is_told_at_each_stage_and_not_again():
    first = looked_at()
    assert asked(first) == "Opened"
    knows = looked_at(OPENED)
    assert asked(knows) == ""
    back = looked_at(OPENED, before=knows.to_wire(), mitigated=True)
    assert asked(back) == "Mitigated"
    over = looked_at(OPENED, before=back.to_wire(), mitigated=True, **ACKNOWLEDGED)
    assert asked(over) == "Resolved"
    done = looked_at(Outcome(Stage.RESOLVED, NOW + 9), before=over.to_wire(), mitigated=True, **ACKNOWLEDGED)
    assert asked(done) == ""


def test_who_forgets_is_told_again_until_it_is_over():
    assert asked(looked_at(OPENED), repeated=True) == "Opened"
    over = looked_at(Outcome(Stage.RESOLVED, NOW + 9), mitigated=True, **ACKNOWLEDGED)
    assert asked(over, repeated=True) == ""


def test_what_was_over_before_anybody_heard_of_it_is_no_news():
    over = looked_at(mitigated=True, **ACKNOWLEDGED)
    assert [asked(over), asked(over, repeated=True)] == ["", ""]


def test_the_status_says_what_was_told_and_when():
    first = looked_at(OPENED)
    later = looked_at(Outcome(Stage.MITIGATED, NOW + 5), before=first.to_wire(), mitigated=True)
    assert later.notified == [
        Notified(receiver="alertmanager", told="Mitigated", told_at=rfc3339(NOW + 5), first_told_at=rfc3339(NOW + 1))
    ]
    assert said(later)[NOTIFIED] == ("True", "Told")


def test_a_repetition_and_another_failure_of_the_same_kind_write_nothing():
    knows = looked_at(OPENED)
    assert looked_at(Outcome(Stage.OPENED, NOW + 300), before=knows.to_wire()) == knows
    failed = looked_at(Outcome(Stage.OPENED, NOW + 1, "cannot be reached"))
    assert looked_at(Outcome(Stage.OPENED, NOW + 6, "cannot be reached"), before=failed.to_wire()) == failed


def test_a_failure_is_told_and_what_was_known_before_stays():
    knows = looked_at(OPENED)
    failed = looked_at(Outcome(Stage.MITIGATED, NOW + 5, "cannot be reached"), before=knows.to_wire(), mitigated=True)
    assert (failed.notified[0].told, failed.notified[0].failing) == ("Opened", "cannot be reached")
    assert said(failed)[NOTIFIED] == ("False", "NotDelivered")
    assert asked(failed) == "Mitigated"


@pytest.mark.parametrize(
    ("receivers", "status"), [((), ("False", "NoReceiver")), (("alertmanager",), ("Unknown", "Telling"))]
)
def test_before_anything_was_told_it_says_whether_somebody_will_be(receivers: tuple[str, ...], status: tuple[str, str]):
    plan = reconcile(Snapshot(incident(), None, LATER, receivers=receivers))
    assert said(IncidentStatus.model_validate(plan.status))[NOTIFIED] == status


def test_what_a_receiver_knew_stays_when_it_is_no_longer_configured():
    known = Notified(receiver="pager", told="Opened", told_at=rfc3339(NOW))
    assert records([known], {}) == [known]
