"""Time as a dependency: wall clock for what is written down, monotonic clock for what is waited for."""

import asyncio
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

    async def wait(self, event: asyncio.Event, timeout: float | None) -> None:  # noqa: ASYNC109 - of this clock
        """Return when the event is set or `timeout` seconds of this clock have passed; None waits for the event."""
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

    async def wait(self, event: asyncio.Event, timeout: float | None) -> None:  # noqa: ASYNC109 - part of the protocol
        """Return when the event is set or the time is over."""
        try:
            await asyncio.wait_for(event.wait(), timeout)
        except TimeoutError:
            return

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds."""
        await asyncio.sleep(seconds)
