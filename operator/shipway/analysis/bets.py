"""What to bet on when predictions may have shifted: up, down, apart, together, or as was seen until now."""

from collections.abc import Sequence
from math import exp

from shipway.analysis.bins import Bins, positions
from shipway.analysis.distances import Shares

_SLOPES = (0.5, 1.0, 2.0)
"""Times the place of a group from -1 to 1: a half, about one and two standard deviations of a bell curve apart."""
_BENDS = (0.75, 2.0)
"""Times the square of that place."""
_TRUST = 20.0
"""Predictions that must be seen before the shares seen weigh as much as what was expected."""


def expected(stable: Bins) -> Shares:
    """Stable's distribution as far as it is known: its groups were made to hold equally much."""
    return _shrunk(stable, [1 / len(stable.counts)] * len(stable.counts))


def alternatives(old: Shares, candidate: Bins) -> list[Shares]:
    """How the new version's predictions may be distributed if not as stable's.

    Args:
        old: Stable's distribution.
        candidate: What the new version predicted until now.
    """
    places = [2 * place - 1 for place in positions(len(old))]
    slopes = [[slope * place for place in places] for slope in (*_SLOPES, *(-slope for slope in _SLOPES))]
    bends = [[bend * place**2 for place in places] for bend in (*_BENDS, *(-bend for bend in _BENDS))]
    learned = _shrunk(candidate, old)
    halfway = [(a + b) / 2 for a, b in zip(learned, old, strict=True)]
    return [*(_tilted(old, exponents) for exponents in (*slopes, *bends)), learned, halfway]


def _tilted(shares: Shares, exponents: Sequence[float]) -> Shares:
    raw = [share * exp(exponent) for share, exponent in zip(shares, exponents, strict=True)]
    total = sum(raw)
    return [value / total for value in raw]


def _shrunk(seen: Bins, towards: Shares) -> Shares:
    total = seen.trials + _TRUST
    return [(count + _TRUST * share) / total for count, share in zip(seen.counts, towards, strict=True)]
