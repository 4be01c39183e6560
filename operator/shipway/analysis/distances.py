"""How far two distributions over the same bins lie apart. All three are zero for equal ones only."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import accumulate
from math import inf, log, log2

Shares = Sequence[float]
"""One for each bin, not negative, with the sum 1."""


class Distance(StrEnum):
    """Which distance."""

    PSI = "PSI"
    JENSEN_SHANNON = "JensenShannon"
    KOLMOGOROV_SMIRNOV = "KolmogorovSmirnov"


def psi(p: Shares, q: Shares) -> float:
    """Population stability index, in nats: infinite where one has a bin to itself (Jeffreys 1946; Lewis 1994)."""
    return sum(map(psi_term, p, q))


def jensen_shannon(p: Shares, q: Shares) -> float:
    """Jensen-Shannon divergence in bits, 0 to 1: the square of scipy's distance at base 2 (Lin 1991)."""
    return sum(map(jensen_shannon_term, p, q))


def kolmogorov_smirnov(p: Shares, q: Shares) -> float:
    """Largest difference of the two cumulative shares, 0 to 1; the bins must be in order."""
    return max(abs(a - b) for a, b in zip(accumulate(p), accumulate(q), strict=True))


def psi_term(a: float, b: float) -> float:
    """What one bin adds; never negative."""
    if a == b:
        return 0.0
    return (a - b) * log(a / b) if a > 0 and b > 0 else inf


def jensen_shannon_term(a: float, b: float) -> float:
    """What one bin adds; never negative."""
    middle = (a + b) / 2
    return sum(x * log2(x / middle) for x in (a, b) if x > 0) / 2


OF: dict[Distance, Callable[[Shares, Shares], float]] = {
    Distance.PSI: psi,
    Distance.JENSEN_SHANNON: jensen_shannon,
    Distance.KOLMOGOROV_SMIRNOV: kolmogorov_smirnov,
}


def between(distance: Distance, a: float, b: float) -> float:
    """The distance of two distributions over two bins, the first of which hold `a` and `b`."""
    return OF[distance]((a, 1 - a), (b, 1 - b))
