"""The other ServingDeployments of the namespace, as far as a release has to do with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shipway.api.v1alpha1.servingdeployment import Reason
from shipway.controllers.servingdeployment.situation import ACTIVE
from shipway.controllers.servingdeployment.turn import Turn
from shipway.kube.resource import Object

_WAITING = {Reason.AWAITING_TURN, Reason.AWAITING_DEPENDENCY, Reason.DEPENDENCY_CYCLE}


@dataclass(frozen=True)
class Peer:
    """Another ServingDeployment.

    Attributes:
        name: Its name.
        model: Its Model.
        stable: Version and digest that it trusts; empty before the first.
        candidate: Whether it runs a version beside another one.
        releasing: Whether a release is under way.
        ready: Whether its condition Ready is True.
        why_not: Reason of that condition.
        queued_at: Since when it waits for its turn; empty when it does not.
        after: Whose releases come before its own.
    """

    name: str
    model: str
    stable: tuple[str, str] = ("", "")
    candidate: bool = False
    releasing: bool = False
    ready: bool = False
    why_not: str = ""
    queued_at: str = ""
    after: tuple[str, ...] = ()


def peers_of(name: str, objects: Iterable[Object]) -> Mapping[str, Peer]:
    """The others by name; one that is being deleted counts no more."""
    return {
        obj["metadata"]["name"]: _peer(obj)
        for obj in objects
        if obj["metadata"]["name"] != name and "deletionTimestamp" not in obj["metadata"]
    }


def turn_of(name: str, *, queued_at: str | None, peers: Iterable[Peer], limit: int) -> Turn | None:
    """Where the deployment stands among its peers; None where there is no limit."""
    if not limit:
        return None
    others = list(peers)
    waiting = [peer for peer in others if peer.queued_at and not peer.releasing]
    own = (queued_at or "~", name)  # sorts after every time
    return Turn(
        limit=limit,
        under_way=tuple(sorted(peer.name for peer in others if peer.candidate)),
        place=1 + sum((peer.queued_at, peer.name) < own for peer in waiting),
        waiting=1 + len(waiting),
    )


def is_waiting(sdep: Object) -> bool:
    """Whether it waits for others, so that a change of theirs concerns it."""
    return _ready(sdep).get("reason") in _WAITING


def _peer(obj: Object) -> Peer:
    status, spec, ready = obj.get("status") or {}, obj["spec"], _ready(obj)
    stable, rollout = status.get("stable") or {}, status.get("rollout") or {}
    releasing = rollout.get("state") in ACTIVE
    return Peer(
        name=obj["metadata"]["name"],
        model=spec["model"],
        stable=(stable.get("version", ""), stable.get("digest", "")),
        candidate=releasing and bool(rollout.get("baseline")),
        releasing=releasing,
        ready=ready.get("status") == "True",
        why_not=ready.get("reason", ""),
        queued_at=status.get("queuedAt", ""),
        after=tuple(each["name"] for each in spec.get("rollout", {}).get("after", ())),
    )


def _ready(obj: Object) -> Mapping[str, str]:
    conditions = (obj.get("status") or {}).get("conditions", ())
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})
