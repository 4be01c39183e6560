"""A clock that jumps: ahead as after a long pause, and, on the wall only, either way as when it is set."""

from harness.clock import ShiftedClock


class JumpingClock(ShiftedClock):
    """The system's clocks, shifted ahead, and a wall clock that is wrong besides."""

    def __init__(self) -> None:
        super().__init__()
        self.skew = 0.0
        """Seconds by which the wall clock is wrong; may be negative."""

    def now(self) -> float:
        return super().now() + self.skew
