"""Whom an Incident calls, and how urgently, as the Model says."""

from typing import Literal, TypedDict

from shipway.api.v1alpha1.model import ModelSpec
from shipway.kube.resource import Object

Severity = Literal["Critical", "Major", "Minor"]
_SEVERITY: dict[str, Severity] = {"Critical": "Critical", "Standard": "Major", "Experimental": "Minor"}


class Accountable(TypedDict):
    """The fields of an Incident's record that come from the Model."""

    severity: Severity
    owner: str
    on_call: str
    runbook: str


def accountable(model: Object | None) -> Accountable:
    """Who answers for what is done with a Model; nobody is known where there is none."""
    if model is None:
        return Accountable(severity=_SEVERITY["Standard"], owner="unknown", on_call="", runbook="")
    spec = ModelSpec.model_validate(model["spec"])
    return Accountable(
        severity=_SEVERITY[spec.tier],
        owner=spec.owner.team,
        on_call=spec.owner.on_call or "",
        runbook=spec.runbook or "",
    )
