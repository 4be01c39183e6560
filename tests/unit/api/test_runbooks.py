"""Whoever is on call finds every reason that a release or a training can give in a runbook."""

from enum import StrEnum
from pathlib import Path

import pytest

from shipway.api.v1alpha1 import servingdeployment, trainingjob

RUNBOOKS = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
NEVER_THE_STATE = {"Serving", "NotServing", "NoBaseline", "NoGates", "Guarded", "NotFinished"}
"""Of other conditions than Ready, or of a Ready that is True."""
EVENTS = {"Promoted", "Superseded", "ProgressDeadlineExceeded", "ActionTaken"}


@pytest.mark.parametrize(
    ("page", "reasons"), [("release.md", servingdeployment.Reason), ("training.md", trainingjob.Reason)]
)
def test_every_reason_is_in_the_runbook(page: str, reasons: type[StrEnum]) -> None:
    text = (RUNBOOKS / page).read_text()

    assert [reason for reason in reasons if reason not in NEVER_THE_STATE | EVENTS and f"`{reason}`" not in text] == []
