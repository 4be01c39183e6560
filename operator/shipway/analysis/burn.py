"""How fast an error budget is used up: two windows at each of two rates ("Alerting on SLOs" in Google's SRE workbook).

A rule holds while both of its windows are at its rate or above: the long one says that it matters, the short one that
it still goes on. Somebody is called when a rule holds, and it is over when it is certain that neither does.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from shipway.analysis.counts import Count


@dataclass(frozen=True)
class Rule:
    """When somebody is called.

    Attributes:
        rate: How many times as fast as the budget allows; with it a budget of 30 days lasts 30 days / rate.
        long: Minutes in which that much must have been used up.
        short: Minutes in which it must go on.
    """

    rate: float
    long: int
    short: int

    @property
    def least(self) -> float:
        """Seconds that must have been read before it may hold: a sixtieth of the long window."""
        return float(self.long)

    def threshold(self, budget: float) -> float:
        """The share of bad answers at which it holds: all of them where the target is so low that they cost less."""
        return min(1.0, self.rate * budget)


RULES = (Rule(14.4, long=60, short=5), Rule(6.0, long=360, short=30))
WINDOWS = tuple(sorted(minutes for rule in RULES for minutes in (rule.long, rule.short)))
LEAST_BAD = 10
"""Bad answers in the long window before somebody is called: three requests at night are no trend."""
CALM = 0.9
"""Part of its threshold below which a rule has ended, so that a rate at the edge opens and closes nothing."""
_LARGEST = 2**32 - 1
"""What a minute can hold; a predictor that counts more than that cannot be believed anyway."""


class Minutes:
    """Good and bad answers by minute, of the last six hours and no more: three kilobytes at most.

    Windows are whole minutes and the one that has begun, so they are up to a minute longer than their name.
    """

    def __init__(self) -> None:
        self._size = max(WINDOWS) + 1
        self._answers = array("I")
        self._bad = array("I")
        self._last = 0

    def add(self, at: float, count: Count) -> None:
        """Count answers at a time, in seconds that only grow."""
        self._go_on(int(at // 60))
        self._answers[-1] = min(_LARGEST, self._answers[-1] + count.trials)
        self._bad[-1] = min(_LARGEST, self._bad[-1] + count.hits)

    def window(self, at: float, minutes: int) -> Count:
        """What was counted in so many minutes before a time."""
        behind = int(at // 60) - self._last
        first = max(0, len(self._answers) - (minutes + 1 - behind))
        return Count(sum(self._answers[first:]), sum(self._bad[first:]))

    def _go_on(self, minute: int) -> None:
        """Begin the minutes up to this one, and forget those that no window reaches."""
        missing = minute - self._last if self._answers else 1
        self._last = max(minute, self._last)
        for column in (self._answers, self._bad):
            column.extend([0] * min(missing, self._size))
            del column[: max(0, len(column) - self._size)]


@dataclass(frozen=True)
class Burn:
    """What is known of one objective.

    Attributes:
        budget: The share of the answers that may be bad.
        counts: Answers and bad ones by window, in minutes.
        read: Seconds since reading began.
        steady: Seconds for which every replica has been read without a gap up to now.
    """

    budget: float
    counts: Mapping[int, Count]
    read: float
    steady: float

    def rate(self, minutes: int) -> float:
        """How many times as fast as the budget allows it was used up in a window."""
        return self.counts[minutes].share / self.budget

    @property
    def holding(self) -> Rule | None:
        """The rule that calls somebody, the fast one first. A window that is not full counts as far as it was read."""
        return next((rule for rule in RULES if self._holds(rule)), None)

    @property
    def over(self) -> bool:
        """Whether it is certain that no rule holds: by windows that were read from end to end, without a gap."""
        return all(self._has_ended(rule) for rule in RULES)

    @property
    def enough(self) -> bool:
        """Whether the shortest window was read from end to end, and somebody has asked in it."""
        shortest = min(WINDOWS)
        return self._is_full(shortest) and self.counts[shortest].trials > 0

    @property
    def idle(self) -> bool:
        """Whether the longest window was read from end to end and no answer counted: what was known is too old."""
        longest = max(WINDOWS)
        return self._is_full(longest) and not self.counts[longest].trials

    @property
    def lasting(self) -> Rule:
        """The rule that says how bad it is: the one that holds, or else the first that has not ended."""
        return self.holding or next((rule for rule in RULES if not self._has_ended(rule)), RULES[0])

    def _holds(self, rule: Rule) -> bool:
        threshold = rule.threshold(self.budget)
        long, short = self.counts[rule.long], self.counts[rule.short]
        return self.read >= rule.least and long.hits >= LEAST_BAD and min(long.share, short.share) >= threshold

    def _has_ended(self, rule: Rule) -> bool:
        return self._is_calm(rule, rule.short) or self._is_calm(rule, rule.long, silence=True)

    def _is_calm(self, rule: Rule, minutes: int, *, silence: bool = False) -> bool:
        """Whether a full window lies below the rate; that nobody asks in a short one proves nothing."""
        count = self.counts[minutes]
        calm = count.share < CALM * rule.threshold(self.budget)
        return self._is_full(minutes) and calm and (silence or count.trials > 0)

    def _is_full(self, minutes: int) -> bool:
        return self.steady >= 60 * minutes
