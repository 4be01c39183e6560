"""Signs of life of a training: what rank 0 reported, and how long ago, as far as this process has listened.

Times are counted by a clock that stands still while nobody looks at it: a process that was stopped, a node that slept
and a wall clock that was set ahead make no training older than what was heard of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shipway.integrations.report import Activity, CheckpointReport, Report

LONGEST_GAP_SECONDS = 8.0
"""Of a longer gap between two looks nothing counts: who looked so late has not listened."""
LEARNT_AFTER = 3
"""From so many reports with new steps on it is known how long a step usually takes."""
_WEIGHT = 0.2
_MOST_TIMES_THE_USUAL = 3.0
"""A step counts as so many times the usual at most, lest one long pause makes the next one usual."""
_LEAST_USUAL_SECONDS = 1.0
"""Below this it makes no difference, and steps that were told of in one report may seem to take no time at all."""


class ListeningClock:
    """Seconds for which this process has listened.

    Args:
        monotonic: Seconds from an arbitrary beginning.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last = monotonic()
        self._listened = 0.0
        self._deaf_until = self._last

    def now(self) -> float:
        """The seconds so far; to ask is to listen."""
        now = self._monotonic()
        gap = now - self._last
        heard = now - max(self._last, self._deaf_until)
        self._last = now
        if gap <= LONGEST_GAP_SECONDS and heard > 0:
            self._listened += heard
        return self._listened

    def miss(self) -> None:
        """Somebody spoke and was not understood: for a moment from now on nothing counts."""
        self._deaf_until = self._monotonic() + LONGEST_GAP_SECONDS


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What is known of the life of an attempt. Times are seconds of listening.

    Attributes:
        attempt: Which one.
        reported: Whether it has reported to this process.
        without_step: Since a new step was heard of, or listening began.
        without_sign: Since a new step or checkpoint was heard of, or listening began.
        without_report: Since the last report, or listening began.
        activity: What the last report announced.
        step_seconds: What a step usually takes; None while too few were heard of.
        all_steps_made: Whether the last report told the last of the planned steps.
    """

    attempt: int
    reported: bool
    without_step: float
    without_sign: float
    without_report: float
    activity: Activity | None = None
    step_seconds: float | None = None
    all_steps_made: bool = False


class Attention:
    """What was heard of one attempt.

    Args:
        attempt: Which one.
        began: When listening to it began, by a `ListeningClock`.
    """

    def __init__(self, attempt: int, *, began: float) -> None:
        self.attempt = attempt
        self._stepped_at = self._sign_at = self._heard_at = began
        self._last: Report | None = None
        self._step_seconds: float | None = None
        self._learnt = 0

    def hear(self, report: Report, *, at: float) -> None:
        """Take in a report; one of another attempt is no sign of this one's life."""
        if report.attempt != self.attempt:
            return
        last, self._last, self._heard_at = self._last, report, at
        if last is None or report.step != last.step:
            if last is not None and report.step > last.step:
                self._learn((at - self._stepped_at) / (report.step - last.step))
            self._stepped_at = self._sign_at = at
        if last is not None and _saved(report.checkpoint, last.checkpoint):
            self._sign_at = at

    def signs(self, *, now: float) -> Signs:
        """What is known of it."""
        last = self._last
        return Signs(
            attempt=self.attempt,
            reported=last is not None,
            without_step=now - self._stepped_at,
            without_sign=now - self._sign_at,
            without_report=now - self._heard_at,
            activity=last.activity if last else None,
            step_seconds=self._step_seconds if self._learnt >= LEARNT_AFTER else None,
            all_steps_made=last is not None and 0 < last.total_steps <= last.step,
        )

    def _learn(self, seconds: float) -> None:
        usual = self._step_seconds
        self._learnt += 1
        if usual is None:
            self._step_seconds = seconds
            return
        most = _MOST_TIMES_THE_USUAL * max(usual, _LEAST_USUAL_SECONDS)
        self._step_seconds = (1 - _WEIGHT) * usual + _WEIGHT * min(seconds, most)


def _saved(now: CheckpointReport | None, before: CheckpointReport | None) -> bool:
    return now is not None and (before is None or now.step != before.step)
