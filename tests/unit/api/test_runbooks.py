"""Whoever is on call finds every reason that a release or a training can give in a runbook."""

from enum import StrEnum
from pathlib import Path

import pytest

from shipway.api.v1alpha1 import servingdeployment, trainingjob

RUNBOOKS = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
OF_OBJECTIVES = {"Met", "BudgetBurning", "NotEnoughData"}
NEVER_THE_STATE = {"Serving", "NotServing", "NoBaseline", "NoGates", "Guarded", "NotFinished"}
"""Of other conditions than Ready, or of a Ready that is True."""
EVENTS = {"Promoted", "Superseded", "ProgressDeadlineExceeded", "ActionTaken"}


@pytest.mark.parametrize(
    ("page", "reasons"), [("release.md", servingdeployment.Reason), ("training.md", trainingjob.Reason)]
)
def test_every_reason_is_in_the_runbook(page: str, reasons: type[StrEnum]) -> None:
    text = (RUNBOOKS / page).read_text()

    assert [
        reason
        for reason in reasons
        if reason not in NEVER_THE_STATE | OF_OBJECTIVES | EVENTS and f"`{reason}`" not in text
    ] == []


def test_every_reason_of_objectives_that_are_not_met_is_in_theirs() -> None:
    text = (RUNBOOKS / "slo-burn.md").read_text()

    assert [reason for reason in sorted(OF_OBJECTIVES - {"Met"}) if f"`{reason}`" not in text] == []
