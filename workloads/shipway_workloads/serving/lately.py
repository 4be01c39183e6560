"""What had been counted a minute ago: who begins to read now can still tell how the last minute was.

Where a minute brings few answers it is longer ago, since of few answers nothing much can be told.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT_SECONDS = 60.0
LONGEST_SECONDS = 600.0
ENOUGH = 2000
"""What is older than a minute is kept until so many were counted since, but never longer than that."""
EVERY_SECONDS = 5.0


@dataclass
class Lately(Generic[T]):
    """Earlier states, one every few seconds in which something is counted.

    Attributes:
        counted: How many a state has counted.
        clock: Seconds that only grow.
    """

    counted: Callable[[T], int]
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
        """The state before the first of the changes that are kept; None where nothing was counted for so long."""
        self._forget(self.clock())
        return self._states[0][1] if self._states else None

    def _forget(self, now: float) -> None:
        while self._states and self._is_dispensable(now - self._states[0][0]):
            self._states.popleft()

    def _is_dispensable(self, age: float) -> bool:
        """Whether the oldest state is not needed any more."""
        if age <= KEPT_SECONDS:
            return False
        if age > LONGEST_SECONDS:
            return True
        return len(self._states) > 1 and self.counted(self._states[-1][1]) - self.counted(self._states[1][1]) >= ENOUGH
