"""What is measured beside the bursts of every kind, each on a control plane of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from argo import PARTS, argo
from claims import OURS
from cluster import Cluster
from rollouts import rollouts
from shards import NAMESPACES, shards
from subjects import SUBJECTS

SHARDED = 1000


@dataclass(frozen=True)
class Apart:
    """One of them.

    Attributes:
        measure: Does it, with so many objects where that is not fixed.
        parts: Further parts of the lab.
        namespaces: How many there are; None for as many as everybody has.
    """

    measure: Callable[[Cluster, int], Awaitable[dict[str, Any]]]
    parts: tuple[str, ...] = ()
    namespaces: int | None = None


APART = {
    "shards": Apart(lambda where, objects: shards(where, SUBJECTS[OURS], objects), namespaces=NAMESPACES),
    "rollouts": Apart(lambda where, _: rollouts(where)),
    "argo-rollouts": Apart(lambda where, _: argo(where), parts=PARTS),
}
