"""How far two distributions lie apart at least and at most, at every moment at once.

Whatever one asks of a prediction with the answer yes or no, the shares of yes of two versions are no farther apart than
their distributions (data processing: Csiszar 1967). So each such question, whether a prediction lies below a cut and
whether it lies in a bin, bounds the distance from below by confidence sequences for two shares; all of them together
bound it from above.
"""

from collections.abc import Sequence
from itertools import compress

from shipway.analysis.bins import Bins
from shipway.analysis.confidence import Interval, interval
from shipway.analysis.counts import Count
from shipway.analysis.distances import Distance, between, jensen_shannon_term, psi_term

Question = tuple[bool, ...]
"""The answer for each bin."""


def distance_interval(distance: Distance, candidate: Bins, stable: Bins, alpha: float) -> Interval:
    """Between what and what the distance lies.

    Args:
        distance: Which.
        candidate: All predictions of the new version.
        stable: All predictions of stable, in the same bins.
        alpha: Probability that the true distance is ever outside, over all time; half for either version.
    """
    asked = _questions(distance, len(stable.counts))
    new, old = (_intervals(asked, seen, alpha / 2) for seen in (candidate, stable))
    return Interval(_least(distance, new, old), _most(distance, new, old, bins=len(stable.counts)))


def _questions(distance: Distance, bins: int) -> tuple[Question, ...]:
    """Every cut; and every bin, where the order of the bins does not matter. The bins come last."""
    cuts = tuple(tuple(index < cut for index in range(bins)) for cut in range(1, bins))
    if distance is Distance.KOLMOGOROV_SMIRNOV:
        return cuts
    return cuts + tuple(tuple(index == wanted for index in range(bins)) for wanted in range(bins))


def _intervals(asked: Sequence[Question], seen: Bins, alpha: float) -> list[Interval]:
    total = seen.trials
    return [interval(Count(total, sum(compress(seen.counts, question))), alpha / len(asked)) for question in asked]


def _least(distance: Distance, new: Sequence[Interval], old: Sequence[Interval]) -> float:
    return max((_nearest(distance, a, b) for a, b in zip(new, old, strict=True)), default=0.0)


def _nearest(distance: Distance, new: Interval, old: Interval) -> float:
    if new.lower > old.upper:
        return between(distance, new.lower, old.upper)
    if old.lower > new.upper:
        return between(distance, old.lower, new.upper)
    return 0.0


def _most(distance: Distance, new: Sequence[Interval], old: Sequence[Interval], *, bins: int) -> float:
    """Every bin as far apart as its two intervals allow: what it adds is convex, so that is at the ends."""
    pairs = list(zip(new, old, strict=True))
    if distance is Distance.KOLMOGOROV_SMIRNOV:
        return max((max(a.upper - b.lower, b.upper - a.lower) for a, b in pairs), default=0.0)
    term = psi_term if distance is Distance.PSI else jensen_shannon_term
    return sum(max(term(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)) for a, b in pairs[-bins:])
