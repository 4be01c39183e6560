"""Time as a dependency: wall clock for what is written down, monotonic clock for what is waited for."""

import asyncio
import contextlib
import time
from typing import Protocol


class Clock(Protocol):
    """The two clocks and the one way to wait."""

    def now(self) -> float:
        """Unix seconds; what goes into a status."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; what delays and deadlines are measured in."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Return when the event is set or some seconds of this clock have passed; None waits for the event."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds of this clock."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some point in the past."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Return when the event is set or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for of Python 3.11 can lose a cancellation
                await event.wait()

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds."""
        await asyncio.sleep(seconds)
