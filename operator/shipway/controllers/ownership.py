"""Whose a namespace is, as the Teams say. A claim counts only where no other Team makes it."""

from collections.abc import Iterable, Sequence

from shipway.api.v1alpha1.team import TeamSpec
from shipway.kube.resource import Object


def claims(team: Object) -> Sequence[str]:
    """The namespaces a Team says are its own, each once."""
    return tuple(dict.fromkeys(TeamSpec.model_validate(team["spec"]).namespaces))


def claimants(teams: Iterable[Object], namespace: str) -> list[Object]:
    """The Teams that say a namespace is theirs, by name; one that is being deleted says nothing any more."""
    alive = [team for team in teams if "deletionTimestamp" not in team["metadata"]]
    return sorted((team for team in alive if namespace in claims(team)), key=lambda team: str(team["metadata"]["name"]))


def team_of(teams: Iterable[Object], namespace: str) -> Object | None:
    """The one Team whose the namespace is; None where no Team or more than one says so."""
    found = claimants(teams, namespace)
    return found[0] if len(found) == 1 else None
