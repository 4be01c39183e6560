"""Sees pods and objects appear and change through watches, as any client would, and notes when."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from subjects import Subject

from shipway.kube.client import Client
from shipway.kube.errors import ApiError
from shipway.kube.resource import POD, Object, Resource


@dataclass
class Seen:
    """Monotonic time at which something was first seen, by namespace and name."""

    exist: dict[tuple[str, str], float] = field(default_factory=dict)
    running: dict[tuple[str, str], float] = field(default_factory=dict)
    ready: dict[tuple[str, str], float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def pod(self, pod: Object) -> None:
        """A pod was seen."""
        place = _place(pod)
        self.exist.setdefault(place, time.monotonic())
        if pod.get("status", {}).get("phase") == "Running":
            self.running.setdefault(place, time.monotonic())
        self.changed.set()

    async def until(self, done: Callable[[], bool], *, within: float) -> bool:
        """Wait until something holds; False when the time is over before."""
        deadline = time.monotonic() + within
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), min(left, 5.0))
        return True


@asynccontextmanager
async def observing(client: Client, subject: Subject) -> AsyncIterator[Seen]:
    """Watch all pods of a subject and its objects."""
    seen = Seen()

    def take(obj: Object) -> None:
        if subject.ready(obj):
            seen.ready.setdefault(_place(obj), time.monotonic())
            seen.changed.set()

    tasks = [
        asyncio.create_task(_follow(client, POD, subject.pod_label, seen.pod)),
        asyncio.create_task(_follow(client, subject.resource, "", take)),
    ]
    await asyncio.sleep(0.5)
    try:
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(client: Client, resource: Resource, selector: str, take: Callable[[Object], None]) -> None:
    version = (await client.list(resource, selector=selector)).resource_version
    while True:
        with suppress(ApiError):
            async for event in client.watch(resource, since=version, selector=selector):
                version = event.object["metadata"]["resourceVersion"]
                if event.type in ("ADDED", "MODIFIED"):
                    take(event.object)


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]
