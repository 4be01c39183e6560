"""Whose an Incident is: pure, from the Teams and the namespace it happened in."""

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.api.conditions import Verdict
from shipway.api.v1alpha1.incident import IncidentSpec, Reason
from shipway.api.v1alpha1.team import Owner, TeamSpec
from shipway.controllers.ownership import claimants
from shipway.kube.resource import Object

OWNED = "Owned"


@dataclass(frozen=True)
class Ownership:
    """Who answers for an Incident, and how far that is known.

    Attributes:
        team: Name of the Team; empty where there is not exactly one.
        owners: Its owners as people read them.
        on_call: Whom to page.
        verdict: The condition `Owned`.
    """

    team: str
    owners: list[str]
    on_call: str
    verdict: Verdict


def ownership(spec: IncidentSpec, namespace: str, teams: Sequence[Object] | None) -> Ownership:
    """Who answers for it.

    The Team is that of the namespace, never one that the Model merely names: tenants write Models, and must not have
    another Team woken up.

    Args:
        spec: The record.
        namespace: Where it happened.
        teams: All Teams; None where the operator has no right to read them.
    """
    if teams is None:
        told = f"this operator works in some namespaces and may not read Teams; the Model names {spec.owner}"
        return Ownership("", [], spec.on_call, Verdict(OWNED, None, Reason.TEAMS_NOT_READ, told))
    found = claimants(teams, namespace)
    if len(found) != 1:
        return Ownership("", [], spec.on_call, _nobody(spec, namespace, [team["metadata"]["name"] for team in found]))
    name = str(found[0]["metadata"]["name"])
    team = TeamSpec.model_validate(found[0]["spec"])
    known = f"{namespace} belongs to Team {name}"
    told = known if spec.owner == name else f"{known}; the Model names {spec.owner}"
    owners = [_written(owner) for owner in team.owners]
    return Ownership(name, owners, spec.on_call or team.on_call, Verdict(OWNED, True, Reason.OWNED, told))


def _nobody(spec: IncidentSpec, namespace: str, rivals: Sequence[str]) -> Verdict:
    if rivals:
        told = f"{namespace} is claimed by the Teams {', '.join(rivals)}; take it out of all but one"
        return Verdict(OWNED, False, Reason.NAMESPACE_CLAIMED, told)
    told = f"no Team names {namespace} in spec.namespaces; the Model names {spec.owner}"
    return Verdict(OWNED, False, Reason.NO_TEAM, told)


def _written(owner: Owner) -> str:
    return f"{owner.name} <{owner.email}>"[:256] if owner.email else owner.name
