"""The other ServingDeployments of the namespace, as far as a release has to do with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shipway.api.v1alpha1.rollout import Rollout
from shipway.api.v1alpha1.servingdeployment import Reason
from shipway.controllers.servingdeployment.situation import ACTIVE
from shipway.controllers.servingdeployment.turn import Turn
from shipway.controllers.servingdeployment.twin import is_asked_for
from shipway.kube.resource import Object

_WAITING = {Reason.AWAITING_TURN, Reason.AWAITING_DEPENDENCY, Reason.DEPENDENCY_CYCLE}


@dataclass(frozen=True)
class Peer:
    """Another ServingDeployment.

    Attributes:
        name: Its name.
        model: Its Model.
        stable: Version and digest that it trusts; empty before the first.
        places: Versions that it runs beside stable: the new one, and a twin of stable.
        asks: Places that its next release takes.
        releasing: Whether a release is under way.
        ready: Whether its condition Ready is True.
        why_not: Reason of that condition.
        queued_at: Since when it waits for its turn; empty when it does not.
        after: Whose releases come before its own.
    """

    name: str
    model: str
    stable: tuple[str, str] = ("", "")
    places: int = 0
    asks: int = 1
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


def turn_of(name: str, *, queued_at: str | None, asks: int, peers: Iterable[Peer], limit: int) -> Turn | None:
    """Where the deployment, which asks for so many places, stands among its peers; None where there is no limit."""
    if not limit:
        return None
    others = list(peers)
    waiting = [peer for peer in others if peer.queued_at and not peer.releasing]
    own = (queued_at or "~", name)  # sorts after every time
    ahead = [peer for peer in waiting if (peer.queued_at, peer.name) < own]
    return Turn(
        limit=limit,
        under_way=tuple(sorted(peer.name for peer in others if peer.places)),
        taken=sum(peer.places for peer in others),
        asks=_bounded(asks, limit),
        asked_before=sum(_bounded(peer.asks, limit) for peer in ahead),
        place=1 + len(ahead),
        waiting=1 + len(waiting),
    )


def places_asked_for(rules: Rollout) -> int:
    """Places that a release takes: one for the new version, and one for a twin, which is as large."""
    return 2 if is_asked_for(rules) else 1


def _bounded(asks: int, limit: int) -> int:
    """A release that asks for more than there are takes all, or it would wait for ever and others behind it."""
    return min(asks, limit)


def is_waiting(sdep: Object) -> bool:
    """Whether it waits for others, so that a change of theirs concerns it."""
    return _ready(sdep).get("reason") in _WAITING


def _peer(obj: Object) -> Peer:
    status, spec, ready = obj.get("status") or {}, obj["spec"], _ready(obj)
    stable, rollout = status.get("stable") or {}, status.get("rollout") or {}
    releasing, queued_at = rollout.get("state") in ACTIVE, status.get("queuedAt", "")
    beside = releasing and bool(rollout.get("baseline"))
    return Peer(
        name=obj["metadata"]["name"],
        model=spec["model"],
        stable=(stable.get("version", ""), stable.get("digest", "")),
        places=beside + (beside and bool(status.get("twin"))),
        asks=_asks(spec.get("rollout", {})) if queued_at else 1,
        releasing=releasing,
        ready=ready.get("status") == "True",
        why_not=ready.get("reason", ""),
        queued_at=queued_at,
        after=tuple(each["name"] for each in spec.get("rollout", {}).get("after", ())),
    )


def _asks(rules: Object) -> int:
    """Read without the model where that can be, since all of a namespace are looked at in every pass."""
    return places_asked_for(Rollout.model_validate(rules)) if rules.get("compareWith") == "Twin" else 1


def _ready(obj: Object) -> Mapping[str, str]:
    conditions = (obj.get("status") or {}).get("conditions", ())
    return next((condition for condition in conditions if condition["type"] == "Ready"), {})
