"""What had been counted a minute ago: who begins to read now can still tell how the last minute was."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT_SECONDS = 60.0
EVERY_SECONDS = 5.0


@dataclass
class Lately(Generic[T]):
    """Earlier states, one every few seconds in which something is counted.

    Attributes:
        clock: Seconds that only grow.
    """

    clock: Callable[[], float] = time.monotonic
    _states: deque[tuple[float, T]] = field(default_factory=deque)

    def changes(self, state: Callable[[], T]) -> None:
        """Something is about to be counted; `state` makes a copy of what is counted before."""
        now = self.clock()
        if self._states and now - self._states[-1][0] < EVERY_SECONDS:
            return
        self._states.append((now, state()))
        self._forget(now)

    @property
    def before(self) -> T | None:
        """The state before the first of the last minute's changes; None where nothing was counted in it."""
        self._forget(self.clock())
        return self._states[0][1] if self._states else None

    def _forget(self, now: float) -> None:
        while self._states and now - self._states[0][0] > KEPT_SECONDS:
            self._states.popleft()
