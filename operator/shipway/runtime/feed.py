"""Where every change comes in, from watches, lists, sweeps and our own writes: into the cache, and on to the queue."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shipway.kube.resource import Key, Object, Resource, key_of
from shipway.runtime.cache import ObjectCache
from shipway.runtime.controller import Affects, Controller
from shipway.runtime.queue import Priority, WorkQueue
from shipway.runtime.reduce import reduced


class Feed:
    """Takes in a change and wakes the keys it concerns: the object's own, and those the controllers' watches name."""

    def __init__(self, cache: ObjectCache, queue: WorkQueue, controllers: Sequence[Controller]) -> None:
        self._cache = cache
        self._queue = queue
        self._own = {controller.resource for controller in controllers}
        self._kinds = {resource.kind for resource in self._own}
        # Several controllers may ask the same of an object, as of whose it is: it is asked once.
        self._affects: dict[Resource, dict[Affects, None]] = defaultdict(dict)
        self._watchers: dict[Resource, list[Resource]] = defaultdict(list)
        self._trims = {watch.resource: watch.trim for each in controllers for watch in each.watches}
        for controller in controllers:
            for watch in controller.watches:
                self._affects[watch.resource].setdefault(watch.affects)
                self._watchers[watch.resource].append(controller.resource)

    def changed(self, resource: Resource, obj: Object) -> bool:
        """An object was created or changed; False when this was known already."""
        change = self._cache.put(resource, obj)
        if change is None:
            return False
        known = change.before
        if resource in self._own:
            self._queue.add(key_of(obj), _own_priority(known, obj))
        self._wake(self._affected(resource, known, obj), _priority(known, obj))
        return True

    def answered(self, resource: Resource, obj: Object) -> bool:
        """The server answered a write with an object: as `changed`, but whole, so it is reduced as watches would."""
        return self.changed(resource, reduced(obj, self._trims.get(resource, _whole)))

    def deleted(self, resource: Resource, obj: Object, *, gone_for_good: bool = False) -> bool:
        """An object was deleted; False when this was known already."""
        known = self._cache.remove(resource, obj, gone_for_good=gone_for_good)
        if known is None:
            return False
        if resource in self._own:
            self._queue.add(key_of(known), Priority.URGENT)
        self._wake(self._affected(resource, known), Priority.URGENT)
        return True

    def reconsider(self, resource: Resource) -> None:
        """A resource began or ceased to be served: every object whose controller watches it is looked at again."""
        for owner in self._watchers[resource]:
            self._wake((Key(owner.kind, *place) for place in self._cache.places(owner)), Priority.NORMAL)

    def _affected(self, resource: Resource, *versions: Object | None) -> set[Key]:
        # The older version counts too: a child that changed its owner's label concerns both.
        return {
            key
            for affects in self._affects[resource]
            for obj in versions
            if obj is not None
            for key in affects(obj, self._cache)
        }

    def _wake(self, keys: Iterable[Key], priority: Priority) -> None:
        for key in keys:
            if key.kind in self._kinds:
                self._queue.add(key, priority)


def _whole(obj: Object) -> Object:
    return obj


def _own_priority(known: Object | None, obj: Object) -> Priority:
    if known is None:
        return Priority.NORMAL
    if _intent(known) != _intent(obj):
        return Priority.URGENT
    return Priority.LOW  # only the status: most likely the echo of our own write


def _priority(known: Object | None, obj: Object) -> Priority:
    ends = known is not None and _is_ending(obj) and not _is_ending(known)
    return Priority.URGENT if ends else Priority.NORMAL


def _is_ending(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def _intent(obj: Object) -> tuple[object, ...]:
    meta = obj["metadata"]
    return meta.get("generation"), _is_ending(obj), meta.get("labels"), meta.get("annotations")
