"""Every version of every object of a namespace, in the order etcd wrote them, as the API server tells it directly."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shipway.kube.client import Client
from shipway.kube.errors import ApiError
from shipway.kube.resource import ENDPOINT_SLICE, HTTP_ROUTE, INFERENCE_SERVICE, OWN, POD, SERVICE, Object, Resource
from shipway.runtime.cache import version_of

WATCHED = (*OWN.values(), POD, SERVICE, ENDPOINT_SLICE, INFERENCE_SERVICE, HTTP_ROUTE)
Place = tuple[str, str]
"""Kind and name."""
World = Mapping[Place, Object]


@dataclass(frozen=True)
class Change:
    """One write, as a watch tells it."""

    type: str
    object: Object

    @property
    def version(self) -> int:
        """The revision of etcd, comparable between all resources."""
        return version_of(self.object)

    @property
    def kind(self) -> str:
        return str(self.object["kind"])

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.object["metadata"]["uid"])


@dataclass
class History:
    """What was written, and which of it was written by a stranger."""

    changes: list[Change] = field(default_factory=list)
    foreign: set[int] = field(default_factory=set)
    """Versions that players wrote over what is the operator's."""
    seen_at: dict[int, float] = field(default_factory=dict)
    """Monotonic seconds by version."""
    deaths: list[float] = field(default_factory=list)
    """Monotonic seconds at which operators were killed."""
    misled: list[float] = field(default_factory=list)
    """Monotonic seconds at which a read of pods was answered with what had been true before."""

    def take(self, change: Change) -> None:
        """Note a change."""
        self.changes.append(change)
        self.seen_at[change.version] = time.monotonic()

    def steps(self) -> Iterator[tuple[Change, World]]:
        """Each change with the world before it."""
        world: dict[Place, Object] = {}
        for change in sorted(self.changes, key=lambda change: change.version):
            yield change, world
            if change.type == "DELETED":
                world.pop((change.kind, change.name), None)
            else:
                world[change.kind, change.name] = change.object


@asynccontextmanager
async def recorded(
    history: History, client: Client, namespace: str, resources: Sequence[Resource] = WATCHED
) -> AsyncIterator[None]:
    """Lets the history grow while inside."""
    tasks = [asyncio.create_task(_record(client, namespace, resource, history)) for resource in resources]
    try:
        yield
        await asyncio.sleep(0.3)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _record(client: Client, namespace: str, resource: Resource, history: History) -> None:
    listing = await client.list(resource, namespace)
    for obj in listing.items:
        history.take(Change("ADDED", obj))
    since = listing.resource_version
    while True:
        with contextlib.suppress(ApiError):
            async for event in client.watch(resource, namespace, since=since):
                since = event.object["metadata"]["resourceVersion"]
                if event.type != "BOOKMARK":
                    history.take(Change(event.type, event.object))
        await asyncio.sleep(0.05)
