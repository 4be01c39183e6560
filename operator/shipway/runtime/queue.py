"""The work queue: which keys to look at, in which order, and when to look again.

Level-triggered: a key is in it once, however often it was named. The same key is never worked on twice at a time. The
state machine is plain methods with the time as an argument; `get` alone waits.
"""

import asyncio
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from shipway.kube.resource import Key
from shipway.runtime import metrics
from shipway.runtime.clock import Clock

BASE_SECONDS = 0.005
MAX_SECONDS = 300.0


class Priority(IntEnum):
    """Lower goes first."""

    URGENT = 0
    """The spec changed or something was deleted."""
    NORMAL = 1
    """Something else changed, or the time asked for has come."""
    LOW = 2
    """Nothing is known to have changed. Adds nothing while the key is being worked on or waits out a backoff."""


@dataclass
class _Ready:
    priority: Priority
    since: float


def backoff(failures: int, jitter: float) -> float:
    """Seconds to wait after the n-th failure in a row: 5 ms doubling to 5 min, spread by a quarter either way."""
    delay = min(BASE_SECONDS * 2.0 ** min(failures - 1, 32), MAX_SECONDS)
    return delay * (0.75 + jitter / 2)


class WorkQueue:
    """Keys that are ready, active, delayed or failing."""

    def __init__(self, clock: Clock, *, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._ready: dict[Key, _Ready] = {}
        self._order: tuple[dict[Key, None], ...] = tuple({} for _ in Priority)
        self._active: dict[Key, float] = {}
        self._due: dict[Key, float] = {}
        self._timers: list[tuple[float, Key]] = []
        self._failures: dict[Key, int] = {}
        self._wake = asyncio.Event()

    def add(self, key: Key, priority: Priority = Priority.NORMAL) -> None:
        """Ask for a look at the key."""
        if priority is Priority.LOW and (key in self._active or key in self._failures):
            return
        ready = self._ready.get(key)
        if ready is None:
            self._ready[key] = _Ready(priority, self._clock.monotonic())
            metrics.ADDS.inc()
        elif priority < ready.priority:
            self._order[ready.priority].pop(key, None)
            ready.priority = priority
        else:
            return
        if key not in self._active:
            self._order[priority].setdefault(key)
            self._wake.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Ask for a look in some seconds, unless one comes before; replaces an earlier wish."""
        if seconds <= 0:
            self.add(key)
            return
        self._due[key] = self._clock.monotonic() + seconds
        heapq.heappush(self._timers, (self._due[key], key))
        self._wake.set()

    def retry(self, key: Key) -> float:
        """Ask for a look after the backoff of one more failure; the seconds until then."""
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = backoff(self._failures[key], self._jitter())
        self.add_after(key, delay)
        metrics.RETRIES.inc()
        return delay

    def failures(self, key: Key) -> int:
        """How often in a row the key has failed."""
        return self._failures.get(key, 0)

    def forget(self, key: Key) -> None:
        """The key has succeeded: the next failure is the first again."""
        self._failures.pop(key, None)

    def pop(self) -> Key | None:
        """The next key to work on, now active; None when none is ready. A pass replaces whatever look was planned."""
        self._collect_due()
        order = next((order for order in self._order if order), None)
        if order is None:
            return None
        key = next(iter(order))
        del order[key]
        now = self._clock.monotonic()
        metrics.QUEUE_SECONDS.observe(now - self._ready.pop(key).since)
        self._due.pop(key, None)
        self._active[key] = now
        return key

    def done(self, key: Key) -> None:
        """The work on a key is over; it is ready again if it was added meanwhile."""
        del self._active[key]
        if ready := self._ready.get(key):
            self._order[ready.priority].setdefault(key)
            self._wake.set()

    async def get(self) -> Key:
        """Wait for the next key to work on."""
        while True:
            if (key := self.pop()) is not None:
                return key
            self._wake.clear()
            await self._clock.wait(self._wake, self._until_due())

    @property
    def depth(self) -> int:
        """Keys that are ready or were added while being worked on."""
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Whether nothing is ready or being worked on; delayed keys do not count."""
        return not self._ready and not self._active

    def oldest_seconds(self) -> float:
        """How long the key that waits or is worked on the longest has done so; 0 when idle."""
        starts = [ready.since for ready in self._ready.values()]
        starts.extend(self._active.values())
        return self._clock.monotonic() - min(starts) if starts else 0.0

    def _until_due(self) -> float | None:
        self._drop_stale_timers()
        return max(0.0, self._timers[0][0] - self._clock.monotonic()) if self._timers else None

    def _collect_due(self) -> None:
        self._drop_stale_timers()
        while self._timers and self._timers[0][0] <= self._clock.monotonic():
            _, key = heapq.heappop(self._timers)
            del self._due[key]
            self.add(key)
            self._drop_stale_timers()

    def _drop_stale_timers(self) -> None:
        while self._timers and self._due.get(self._timers[0][1]) != self._timers[0][0]:
            heapq.heappop(self._timers)
