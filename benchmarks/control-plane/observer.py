"""Sees objects and what comes of them appear and change through watches, as any client would, and notes when."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from subject import Subject
from watching import follow

from shipway.kube.client import Client
from shipway.kube.resource import POD, Object


@dataclass
class Seen:
    """Monotonic time at which something was first seen, by namespace and name."""

    exist: dict[tuple[str, str], float] = field(default_factory=dict)
    running: dict[tuple[str, str], float] = field(default_factory=dict)
    ready: dict[tuple[str, str], float] = field(default_factory=dict)
    children: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    """What the subject names beside pods, by plural."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def pod(self, pod: Object) -> None:
        """A pod was seen."""
        place = _place(pod)
        self.exist.setdefault(place, time.monotonic())
        if pod.get("status", {}).get("phase") == "Running":
            self.running.setdefault(place, time.monotonic())
        self.changed.set()

    def child(self, plural: str, obj: Object) -> None:
        """Something else that came of an object was seen."""
        self.children[plural].setdefault(_place(obj), time.monotonic())
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
    """Watch a subject's objects and all that comes of them."""
    seen = Seen(children={resource.plural: {} for resource in subject.children})

    def take(obj: Object) -> None:
        if subject.ready(obj):
            seen.ready.setdefault(_place(obj), time.monotonic())
            seen.changed.set()

    tasks = [
        await follow(client, POD, subject.pod_label, seen.pod),
        await follow(client, subject.resource, "", take),
        *[await follow(client, child, "", partial(seen.child, child.plural)) for child in subject.children],
    ]
    await asyncio.sleep(0.5)
    try:
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]
