"""What a controller is to the runtime."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shipway.kube.resource import Key, Object, Resource
from shipway.runtime.plan import Plan


class Cache(Protocol):
    """Read access to what the watches have brought, at most a moment old. Objects must not be changed."""

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, if it is known."""
        ...

    def list(self, resource: Resource, namespace: str) -> Sequence[Object]:
        """All known objects of a namespace."""
        ...

    def owned(self, resource: Resource, owner: Key) -> Sequence[Object]:
        """All known objects whose labels `shipway.dev/kind` and `shipway.dev/name` name the owner."""
        ...

    def tagged(self, resource: Resource, tag: str) -> Sequence[Object]:
        """All known objects of all namespaces that bear a tag, see controllers/tags.py."""
        ...

    def has(self, resource: Resource) -> bool:
        """Whether the cluster serves the resource (its CRD is installed) and its first list is in."""
        ...


def _same(obj: Object) -> Object:
    return obj


Affects = Callable[[Object, Cache], Iterable[Key]]
"""Maps a changed object to the keys to look at again."""


@dataclass(frozen=True)
class Watch:
    """A resource whose changes concern a controller.

    `affects` maps a changed object to the keys to look at again. `selector` and `trim` apply to children only: the
    label selector sent to the server, and the function that keeps just the fields the reconciler reads; `shape` is a
    TypedDict of what that function needs. Watches of one resource by different selectors must not select the same
    object.
    """

    resource: Resource
    affects: Affects
    selector: str = ""
    trim: Callable[[Object], Object] = field(default=_same)
    shape: type | None = None


class Controller(Protocol):
    """One kind's reconciler: look, then decide. Never writes by itself."""

    resource: Resource
    """The kind it reconciles."""
    watches: Sequence[Watch]
    """What else it must hear of: children, and other kinds it reads."""

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Gather a snapshot and decide; None when the object is gone or there is nothing to do.

        Raises:
            TerminalError: nothing helps until the spec changes; the runtime sets Stalled and does not retry.
        """
        ...
