"""A clock that runs like the machine's and can be set ahead."""

import asyncio
import contextlib
import time


class ShiftedClock:
    """The system's clocks plus a shift that only grows; waits notice a shift within some milliseconds."""

    def __init__(self) -> None:
        self.shift = 0.0

    def advance(self, seconds: float) -> None:
        """Let some seconds pass at once."""
        assert seconds >= 0
        self.shift += seconds

    def now(self) -> float:
        return time.time() + self.shift

    def monotonic(self) -> float:
        return time.monotonic() + self.shift

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        deadline = None if seconds is None else self.monotonic() + seconds
        while not event.is_set() and (deadline is None or self.monotonic() < deadline):
            left = 0.02 if deadline is None else min(0.02, max(0.0, deadline - self.monotonic()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await event.wait()

    async def sleep(self, seconds: float) -> None:
        await self.wait(asyncio.Event(), seconds)
