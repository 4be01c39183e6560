"""What is known of the cluster: the newest version of every object the watches and our own writes have brought.

Reads its own writes: the executor puts the server's answers in, so that the next look sees them before the watch does.
Nothing older ever replaces something newer, and what was deleted does not come back with a late event.

Objects are kept as JSON and decoded when read: as dictionaries they would take six times the memory.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import msgspec

from shipway.api import labels
from shipway.kube.resource import Key, Object, Resource

REMEMBER_DEAD_SECONDS = 600.0
_FOREVER = 1 << 63
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()
_K = TypeVar("_K")
_N = TypeVar("_N")

Place = tuple[str, str]
"""Namespace and name."""


def version_of(obj: Object) -> int:
    """The resourceVersion as the number it is (comparable since Kubernetes 1.35, and in etcd always)."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def uid_of(obj: Object) -> str:
    """The uid; empty when it has none."""
    return str(obj["metadata"].get("uid", ""))


def place_of(obj: Object) -> Place:
    """Where the object is."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def owner_of(obj: Object) -> Key | None:
    """The key our labels name as the owner."""
    marks = obj["metadata"].get("labels") or {}
    kind, name = marks.get(labels.KIND), marks.get(labels.NAME)
    if not kind or not name:
        return None
    return Key(kind, obj["metadata"].get("namespace", ""), name)


class Change(NamedTuple):
    """What an object has replaced."""

    before: Object | None


class _Entry(NamedTuple):
    """An object at rest, and what is asked of it most."""

    version: int
    uid: str
    owner: Key | None
    tags: tuple[str, ...]
    json: bytes

    def object(self) -> Object:
        decoded: Object = _DECODER.decode(self.json)
        return decoded


class ObjectCache:
    """The Cache the controllers read, with the writing side for watches and the executor.

    Args:
        monotonic: Seconds that only grow.
        tags: What an object is to be found by, by its resource.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        tags: Mapping[Resource, Callable[[Object], Iterable[str]]] = MappingProxyType({}),
    ) -> None:
        self._monotonic = monotonic
        self._tags = tags
        self._objects: dict[Resource, dict[Place, _Entry]] = defaultdict(dict)
        self._namespaces: dict[tuple[Resource, str], dict[str, _Entry]] = defaultdict(dict)
        self._owned: dict[tuple[Resource, Key], dict[str, _Entry]] = defaultdict(dict)
        self._tagged: dict[tuple[Resource, str], dict[Place, _Entry]] = defaultdict(dict)
        self._parts: dict[Resource, dict[Hashable, bool]] = defaultdict(dict)
        self._dead: dict[str, tuple[int, float]] = {}

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, if it is known."""
        entry = self._objects[resource].get((namespace, name))
        return None if entry is None else entry.object()

    def list(self, resource: Resource, namespace: str) -> Sequence[Object]:
        """All known objects of a namespace, in the order they became known."""
        return tuple(entry.object() for entry in self._namespaces.get((resource, namespace), {}).values())

    def owned(self, resource: Resource, owner: Key) -> Sequence[Object]:
        """All known objects whose labels name the owner, in the order they became known."""
        return tuple(entry.object() for entry in self._owned.get((resource, owner), {}).values())

    def tagged(self, resource: Resource, tag: str) -> Sequence[Object]:
        """All known objects of all namespaces that bear a tag, in the order they became known.

        Raises:
            KeyError: objects of the resource bear none.
        """
        if resource not in self._tags:
            raise KeyError(f"{resource.plural} bear no tags")
        return tuple(entry.object() for entry in self._tagged.get((resource, tag), {}).values())

    def has(self, resource: Resource) -> bool:
        """Whether the cluster serves the resource and its first list is in."""
        parts = self._parts.get(resource)
        return parts is not None and all(parts.values())

    def places(self, resource: Resource) -> Sequence[Place]:
        """Where all known objects of all namespaces are."""
        return tuple(self._objects[resource])

    def unlisted(self, resource: Resource, seen: Mapping[Place, str], version: int) -> Iterable[Object]:
        """The objects that a list does not have, though it is as new as what is known of them.

        Args:
            resource: What was listed.
            seen: The uids of the list's objects by place.
            version: The list's resourceVersion.
        """
        for place, entry in tuple(self._objects[resource].items()):
            if entry.version <= version and seen.get(place) != entry.uid:
                yield entry.object()

    def newest_version(self, resource: Resource) -> int:
        """The highest resourceVersion known of the resource; 0 when nothing is."""
        return max((entry.version for entry in self._objects[resource].values()), default=0)

    def sizes(self) -> dict[str, int]:
        """How many objects are known, by the plural of their resource."""
        return {resource.plural: len(objects) for resource, objects in self._objects.items()}

    def set_synced(self, resource: Resource, part: Hashable, *, synced: bool) -> bool:
        """Say of one of the selections a resource is loaded by whether its first list is in; True if `has` changed."""
        before = self.has(resource)
        self._parts[resource][part] = synced
        return self.has(resource) != before

    def is_news(self, resource: Resource, obj: Object) -> bool:
        """Whether an object is newer than what is known, and not known to be deleted."""
        known = self._objects[resource].get(place_of(obj))
        return self._is_newer(known, uid_of(obj), version_of(obj))

    def put(self, resource: Resource, obj: Object) -> Change | None:
        """Take in an object; None when it is no news."""
        place, uid, version = place_of(obj), uid_of(obj), version_of(obj)
        known = self._objects[resource].get(place)
        if not self._is_newer(known, uid, version):
            return None
        if known:
            self._unindex(resource, place, known)
        json = _ENCODER.encode(obj)
        tags = tuple(self._tags[resource](obj)) if resource in self._tags else ()
        self._index(resource, place, _Entry(version, uid, owner_of(obj), tags, json))
        return Change(known.object() if known else None)

    def remove(self, resource: Resource, obj: Object, *, gone_for_good: bool = False) -> Object | None:
        """Forget a deleted object; what was known of it, or None when it was not known (any more).

        Args:
            resource: Its resource.
            obj: The object as the watch's last word on it, or any version of it if it is gone for good.
            gone_for_good: Whether the deletion itself was answered, so that no event of this uid can be news.
        """
        self._bury(uid_of(obj), _FOREVER if gone_for_good else version_of(obj))
        place = place_of(obj)
        known = self._objects[resource].get(place)
        if known is None or (uid_of(obj) and known.uid != uid_of(obj)):
            return None
        if not gone_for_good and known.version >= version_of(obj):
            return None
        self._unindex(resource, place, known)
        return known.object()

    def _is_newer(self, known: _Entry | None, uid: str, version: int) -> bool:
        dead = self._dead.get(uid)
        # A deletion has a version of its own, so what bears the version of a farewell has only left the selection.
        if dead is not None and version < dead[0]:
            return False
        return known is None or known.version < version

    def _bury(self, uid: str, version: int) -> None:
        if not uid:
            return
        now = self._monotonic()
        while self._dead and now - next(iter(self._dead.values()))[1] > REMEMBER_DEAD_SECONDS:
            del self._dead[next(iter(self._dead))]
        known, _ = self._dead.pop(uid, (0, 0.0))
        self._dead[uid] = (max(known, version), now)

    def _index(self, resource: Resource, place: Place, entry: _Entry) -> None:
        namespace, name = place
        self._objects[resource][place] = entry
        self._namespaces[resource, namespace][name] = entry
        if entry.owner:
            self._owned[resource, entry.owner][name] = entry
        for tag in entry.tags:
            self._tagged[resource, tag][place] = entry

    def _unindex(self, resource: Resource, place: Place, entry: _Entry) -> None:
        namespace, name = place
        del self._objects[resource][place]
        _drop(self._namespaces, (resource, namespace), name)
        if entry.owner:
            _drop(self._owned, (resource, entry.owner), name)
        for tag in entry.tags:
            _drop(self._tagged, (resource, tag), place)


def _drop(index: dict[_K, dict[_N, _Entry]], key: _K, name: _N) -> None:
    entries = index[key]
    del entries[name]
    if not entries:
        del index[key]
