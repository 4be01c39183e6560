"""A selection of objects on the server, how to load it, and how to bring the cache into step with it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from shipway.kube.client import Client
from shipway.kube.resource import Object, Resource
from shipway.runtime.cache import ObjectCache, Place, place_of, uid_of
from shipway.runtime.feed import Feed
from shipway.runtime.reduce import reduced


def _same(obj: Object) -> Object:
    return obj


@dataclass(frozen=True)
class Source:
    """One resource in one namespace (or all), by a label selector, reduced to the fields that are read.

    Attributes:
        resource: The resource.
        namespace: Where; everywhere without it.
        selector: A label selector.
        trim: Keeps of an object what somebody reads.
        shape: A TypedDict of no less than `trim` needs: what is not in it is not even decoded.
    """

    resource: Resource
    namespace: str | None = None
    selector: str = ""
    trim: Callable[[Object], Object] = _same
    shape: type | None = None

    def reduce(self, obj: Object) -> Object:
        """The trimmed object."""
        return reduced(obj, self.trim)

    def covers(self, obj: Object) -> bool:
        """Whether the selection contains the object, as far as its metadata tells."""
        meta = obj["metadata"]
        if self.namespace is not None and meta.get("namespace") != self.namespace:
            return False
        return selects(self.selector, meta.get("labels") or {})

    def __str__(self) -> str:
        where = self.namespace or "all namespaces"
        return f"{self.resource.plural} in {where}" + (f" with {self.selector}" if self.selector else "")


async def load(source: Source, client: Client, cache: ObjectCache, feed: Feed) -> str:
    """List the selection into the cache, part by part, and forget what is not in it any more.

    Returns:
        The resourceVersion to watch from.

    Raises:
        NotFoundError: the server does not serve the resource.
        ApiError: the list failed; what was loaded stays.
    """
    seen: dict[Place, str] = {}
    version = ""
    async for part in client.parts(source.resource, source.namespace, selector=source.selector, shape=source.shape):
        version = part.resource_version
        for obj in part.items:
            seen[place_of(obj)] = uid_of(obj)
            feed.changed(source.resource, source.reduce(obj))
    forget_missing(source, seen, int(version), cache, feed)
    return version


def forget_missing(source: Source, seen: dict[Place, str], version: int, cache: ObjectCache, feed: Feed) -> int:
    """Treat as deleted what the cache knows of the selection and a list of `version` does not; how many that were."""
    missing = [obj for obj in cache.unlisted(source.resource, seen, version) if source.covers(obj)]
    return sum(feed.deleted(source.resource, _as_of(obj, version)) for obj in missing)


def _as_of(obj: Object, version: int) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}


_IN = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_COMMA = re.compile(r",(?![^(]*\))")


def selects(selector: str, labels: dict[str, str]) -> bool:
    """Whether a Kubernetes label selector (equality, set and existence terms) selects these labels."""
    return all(_holds(term.strip(), labels) for term in _COMMA.split(selector) if term.strip())


def _holds(term: str, labels: dict[str, str]) -> bool:
    if match := _IN.match(term):
        label, operator, values = match.groups()
        allowed = {value.strip() for value in values.split(",")}
        return (labels.get(label) in allowed) == (operator == "in")
    if "!=" in term:
        label, value = term.split("!=")
        return labels.get(label.strip()) != value.strip()
    if "=" in term:
        label, value = re.split("==?", term)
        return labels.get(label.strip()) == value.strip()
    if term.startswith("!"):
        return term[1:].strip() not in labels
    return term in labels
