"""Whether those that are released first have been: each serves, releases nothing, and has the version of its model."""

from collections.abc import Mapping, Sequence

from shipway.api.v1alpha1.servingdeployment import Reason, VersionRef
from shipway.controllers.servingdeployment.peers import Peer
from shipway.controllers.servingdeployment.situation import Problem


def predecessors_of(
    name: str, model: str, wanted: VersionRef, *, after: Sequence[str], peers: Mapping[str, Peer]
) -> Problem | None:
    """Whom the release of a version waits for; None when it waits for nobody."""
    if circle := _circle(name, after, peers):
        text = f"rollout.after goes round in a circle: {' → '.join(circle)}; take one of them out"
        return Problem(Reason.DEPENDENCY_CYCLE, text)
    for other in after:
        if why := _unfinished(peers.get(other), model, wanted):
            return Problem(Reason.AWAITING_DEPENDENCY, f"{wanted.version} waits for {other}: {why}")
    return None


def _unfinished(peer: Peer | None, model: str, wanted: VersionRef) -> str:
    if peer is None:
        return "there is no such ServingDeployment in the namespace; create it, or take it out of rollout.after"
    if peer.releasing:
        return "its release is under way"
    if peer.model == model and peer.stable[1] != wanted.digest:
        return f"it has {peer.stable[0] or 'no version'} and not {wanted.version} yet"
    return "" if peer.ready else f"it is not Ready: {peer.why_not or 'the operator has not looked at it yet'}"


def _circle(name: str, after: Sequence[str], peers: Mapping[str, Peer]) -> list[str]:
    """The way from the deployment back to itself, if there is one."""
    ways, seen = [[name, other] for other in after], set[str]()
    while ways:
        way = ways.pop()
        if way[-1] == name:
            return way
        if way[-1] in seen or way[-1] not in peers:
            continue
        seen.add(way[-1])
        ways += [[*way, other] for other in peers[way[-1]].after]
    return []
