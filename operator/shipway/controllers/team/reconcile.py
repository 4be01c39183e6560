"""What a Team's status says: pure, from the other Teams and the namespaces there are. A Team has no children."""

from collections.abc import Collection
from dataclasses import dataclass

from shipway.api.conditions import Type, Verdict, merge
from shipway.api.v1alpha1.team import Reason, TeamStatus
from shipway.controllers.ownership import claimants, claims
from shipway.kube.resource import Object
from shipway.runtime.plan import Plan


@dataclass(frozen=True)
class Snapshot:
    """Everything a decision is made from.

    Attributes:
        team: The Team.
        teams: All Teams, this one too.
        namespaces: Names of the namespaces there are.
        now: Unix seconds.
    """

    team: Object
    teams: tuple[Object, ...]
    namespaces: Collection[str]
    now: float


def reconcile(s: Snapshot) -> Plan:
    """The status; a Team is never written otherwise."""
    generation = int(s.team["metadata"].get("generation", 0))
    stored = TeamStatus.model_validate(s.team.get("status", {}))
    wanted = claims(s.team)
    shared = {namespace: rivals for namespace in wanted if (rivals := _rivals(s, namespace))}
    missing = [namespace for namespace in wanted if namespace not in s.namespaces]
    verdicts = _verdicts(shared, missing, wanted=len(wanted))
    status = TeamStatus(
        observed_generation=generation,
        conditions=merge(stored.conditions, verdicts, generation=generation, now=s.now),
        namespaces=len(set(wanted) - set(shared) - set(missing)),
    )
    return Plan(status=status.to_wire())


def _rivals(s: Snapshot, namespace: str) -> list[str]:
    names = [str(team["metadata"]["name"]) for team in claimants(s.teams, namespace)]
    return [name for name in names if name != s.team["metadata"]["name"]]


def _verdicts(shared: dict[str, list[str]], missing: list[str], *, wanted: int) -> list[Verdict]:
    if shared:
        told = "; ".join(f"{namespace} is claimed by {', '.join(rivals)} too" for namespace, rivals in shared.items())
        return _not_ready(Type.STALLED, Reason.NAMESPACE_CLAIMED, f"{told}. Take each out of all Teams but one")
    if missing:
        told = f"no such namespace: {', '.join(missing)}; create it, or take it out of spec.namespaces"
        return _not_ready(Type.RECONCILING, Reason.NAMESPACE_MISSING, told)
    return [Verdict(Type.READY, True, Reason.RESOLVED, f"{wanted} namespace(s), each there and of this team alone")]


def _not_ready(why: Type, reason: Reason, message: str) -> list[Verdict]:
    return [Verdict(Type.READY, False, reason, message), Verdict(why, True, reason, message)]
