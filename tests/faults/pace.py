"""How much of the time a busy machine has taken away: convergence is the operator's, not that of its neighbours.

Each tick sleeps and asks the API server for one object, past the proxy. What a tick takes beyond what it takes on an
idle machine was lost: this process, or the API server, was not let run, and neither was the operator. Nothing that the
operator does by itself makes a tick late: it sleeps in its own backoffs, not in ours.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.lab import NAMESPACE
from shipway.kube.client import Client
from shipway.kube.errors import ApiError

TICK_SECONDS = 0.25
IDLE_SECONDS = 0.05
"""What the answer to a tick may take on an idle machine, waking up included."""


class Pace:
    """Counts the seconds that were lost while it runs."""

    def __init__(self) -> None:
        self.lost = 0.0

    def lap(self) -> "Lap":
        """A stopwatch from now on."""
        return Lap(self)

    async def run(self, client: Client) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            with contextlib.suppress(ApiError):
                await client.get(NAMESPACE, None, "default")
            self.lost += max(0.0, time.monotonic() - began - TICK_SECONDS - IDLE_SECONDS)


class Lap:
    """Seconds since a moment, on the wall's clock and without what was lost."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._began, self._lost = time.monotonic(), pace.lost

    @property
    def on_the_wall(self) -> float:
        """Seconds as they passed."""
        return time.monotonic() - self._began

    @property
    def seconds(self) -> float:
        """Seconds in which the machine let us run."""
        return self.on_the_wall - (self._pace.lost - self._lost)


@asynccontextmanager
async def pace(client: Client) -> AsyncIterator[Pace]:
    """A pace that is being measured while inside."""
    measured = Pace()
    task = asyncio.create_task(measured.run(client))
    try:
        yield measured
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
