"""A confidence sequence for a proportion: an interval that may be looked at after every answer, for ever.

The likelihood is mixed over a Beta(1/2, 5) prior: bad answers are rare. By Ville's inequality the mixture's ratio to
the true likelihood EVER reaches 1/alpha with probability at most alpha, whatever the rule for stopping (Robbins 1970;
Howard et al. 2021). The interval is the set of proportions that the ratio does not refute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, log

from shipway.analysis.counts import Count

_A, _B = 0.5, 5.0
_STEPS = 26
"""Halvings of the unit interval: to a hundred-millionth, below one answer in any count we see."""


@dataclass(frozen=True)
class Interval:
    """A closed interval, such as one of proportions."""

    lower: float
    upper: float


def interval(count: Count, alpha: float) -> Interval:
    """The proportions that `count` does not refute, at every moment at once.

    Args:
        count: What was seen so far.
        alpha: Probability that the true proportion is ever outside, over all time.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1; got {alpha}")
    if count.trials == 0:
        return Interval(0.0, 1.0)
    misses = count.trials - count.hits
    mixture = _log_beta(_A + count.hits, _B + misses) - _log_beta(_A, _B)
    limit = -log(alpha)

    def refuted(p: float) -> bool:
        return mixture - _xlogy(count.hits, p) - _xlogy(misses, 1 - p) >= limit

    lower = edge(refuted, 0.0, count.share) if count.hits else 0.0
    upper = edge(refuted, 1.0, count.share) if misses else 1.0
    return Interval(lower, upper)


def edge(refuted: Callable[[float], bool], outside: float, inside: float, steps: int = _STEPS) -> float:
    """The border between a refuted value and one that is not, rounded outwards."""
    for _ in range(steps):
        middle = (outside + inside) / 2
        if refuted(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _xlogy(x: float, y: float) -> float:
    if x == 0:
        return 0.0
    return x * log(y) if y > 0 else float("-inf")
