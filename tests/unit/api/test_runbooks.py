"""Whoever is on call finds in a runbook every reason that a release or a training can give, and every Incident."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from shipway.api.v1alpha1 import servingdeployment, trainingjob
from shipway.api.v1alpha1.incident import IncidentType
from shipway.controllers.incident.runbook import PAGES

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


@pytest.mark.parametrize("type_", IncidentType)
def test_every_type_of_incident_has_a_page_or_a_section_that_names_it(type_: IncidentType) -> None:
    page, _, anchor = PAGES[type_].partition("#")
    text = (RUNBOOKS / page).read_text()
    sections = {
        heading.lower(): body for heading, body in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    }

    assert not anchor or anchor in sections
    assert "shipway.dev/acknowledged-by=YOU" in text, "it says how to take it up"
    assert re.search(r"^\d\. ", sections[anchor] if anchor else text, re.M), "it says what to do, step by step"
    assert f"`{type_}`" in text


def test_nothing_but_a_type_of_incident_has_a_page_in_the_list() -> None:
    assert set(PAGES) == set(IncidentType)
