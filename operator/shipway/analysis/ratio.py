"""Ratios of two sums, such as clicks per impression, and means: ratios whose second sum counts the answers.

One bets on every answer that the ratio y/x is above a bound r: y - r*x then has a positive mean. With e that excess in
units of the most it can fall below zero, exp(l*e + (l + log(1 - l)) * e**2) is at most 1 + l*e (Fan, Grama
and Liu 2015), whose mean is at most one while the ratio is within the bound. Only sums and sums of squares are needed,
and little spread is rewarded, which a bound for shares alone would not do (Waudby-Smith and Ramdas 2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, log1p

from shipway.analysis.additive import Additive
from shipway.analysis.confidence import Interval, edge
from shipway.analysis.detector import ALTERNATIVES, bernoulli, log_mean

_INTERVAL_BETS = tuple(0.9 * 0.55**i for i in range(10))
"""Parts of what one would lose by the largest `top` of one answer."""
_STEPS = 32
_DETECTOR_BETS = tuple(0.5**i for i in range(1, 7))
_NO_EVIDENCE = (0.0,) * (len(_DETECTOR_BETS) + len(ALTERNATIVES))
_SMALLEST = 1e-9
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Ratio(Additive):
    """Sums over answers, each of which has two values that are never negative, `top` and `bottom`."""

    trials: int = 0
    top: float = 0.0
    bottom: float = 0.0
    top_squares: float = 0.0
    products: float = 0.0
    """Sum of top times bottom."""
    bottom_squares: float = 0.0

    @property
    def inverse(self) -> "Ratio":
        """Top and bottom exchanged."""
        return Ratio(self.trials, self.bottom, self.top, self.bottom_squares, self.products, self.top_squares)

    @classmethod
    def of_mean(cls, trials: int, total: float, squares: float) -> "Ratio":
        """The mean of one value per answer, from the sum of the values and that of their squares."""
        return cls(trials, total, trials, squares, total, trials)

    def __str__(self) -> str:
        return f"{self.top / self.bottom:.4g} ({self.trials})" if self.bottom else "0/0"


NO_SUMS = Ratio()
"""Nothing seen yet."""


@dataclass(frozen=True)
class RatioMeasure:
    """How ratios are weighed.

    Attributes:
        top_limit: The largest `top` of one answer; who counts must cut off what is beyond.
        bottom_limit: The largest `bottom` of one answer; 1 for a mean.
        falling: Whether less is worse; values are then the ratio with a minus, so that more is worse as everywhere.
        unit: What is counted.
    """

    top_limit: float
    bottom_limit: float = 1.0
    falling: bool = False
    unit: str = "answers"
    nothing: Ratio = NO_SUMS
    stakes: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not (0 < self.top_limit < inf and 0 < self.bottom_limit < inf):
            raise ValueError(f"limits must be positive; got {self.top_limit} and {self.bottom_limit}")

    def value(self, seen: Ratio) -> float:
        """See Measure."""
        if seen.bottom == 0:
            return -inf
        return self._sign * seen.top / seen.bottom

    def interval(self, seen: Ratio, alpha: float) -> Interval:
        """See Measure; each end at half of `alpha`."""
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1; got {alpha}")
        lower = least_ratio(seen, self.top_limit, self.bottom_limit, alpha / 2)
        inverse = least_ratio(seen.inverse, self.bottom_limit, self.top_limit, alpha / 2)
        upper = 1 / inverse if inverse else inf
        return Interval(-upper, -lower) if self.falling else Interval(lower, upper)

    def log_ratios(self, batch: Ratio, bound: float) -> Sequence[float]:
        """See Measure: bets on the excess, then ratios as of a share, better where values are all or nothing."""
        smallest = _SMALLEST * self._scale
        ratio = self._sign * bound
        if ratio >= self._scale / _SMALLEST or (self.falling and ratio <= smallest):
            return _NO_EVIDENCE
        ratio = max(ratio, smallest)
        fall = self.top_limit if self.falling else ratio * self.bottom_limit
        excess = self._sign * (batch.top - ratio * batch.bottom) / fall
        squares = _squares(batch, ratio) / fall**2
        whole = self._width(ratio) / fall
        shares = bernoulli(batch.trials, (excess + batch.trials) / whole, 1 / whole)
        return (*(_bet(bet, excess, squares) for bet in _DETECTOR_BETS), *shares)

    def side_by_side(self, *, candidate: Ratio, stable: Ratio, known: Ratio, margin: float) -> Sequence[float]:
        """See Measure; no bet on two ratios at once is known that needs their sums only."""
        del candidate, stable, known, margin
        return (0.0,)

    def problem(self, seen: Ratio) -> str:
        """See Measure."""
        for name, total, squares, limit in (
            ("first", seen.top, seen.top_squares, self.top_limit),
            ("second", seen.bottom, seen.bottom_squares, self.bottom_limit),
        ):
            most = limit * (1 + _ROUNDING)
            if total > most * seen.trials or squares > most * total:
                return f"the {name} counter grew by more than the {limit:g} that one answer may add"
        return ""

    def text(self, value: float, sign: str = "") -> str:
        """See Measure."""
        return f"{value:{sign}.4g}"

    @property
    def _sign(self) -> int:
        return -1 if self.falling else 1

    @property
    def _scale(self) -> float:
        return self.top_limit / self.bottom_limit

    def _width(self, ratio: float) -> float:
        """From the least to the largest excess of one answer."""
        return self.top_limit + ratio * self.bottom_limit


def least_ratio(seen: Ratio, top_limit: float, bottom_limit: float, alpha: float) -> float:
    """The smallest ratio that is not refuted, at every moment at once; the largest is that of the inverse."""
    scale = top_limit / bottom_limit
    if seen.top == 0:
        return 0.0

    def refuted(part: float) -> bool:
        ratio = scale * part / (1 - part)
        return log_evidence(seen, ratio, top_limit, bottom_limit) >= -log(alpha)

    found = edge(refuted, 0.0, seen.top / (seen.top + scale * seen.bottom), steps=_STEPS)
    return scale * found / (1 - found)


def log_evidence(seen: Ratio, ratio: float, top_limit: float, bottom_limit: float) -> float:
    """Logarithm of the evidence that the ratio is larger than `ratio`, which falls as `ratio` grows.

    A bet is left out where it is so large that it would not: then what refutes a ratio refutes all smaller ones, and
    the border between the two can be halved for.
    """
    excess, squares = seen.top - ratio * seen.bottom, _squares(seen, ratio)
    fall = ratio * bottom_limit
    logs = []
    for part in _INTERVAL_BETS:
        bet = part * fall / top_limit
        monotone = bet < 1 and -2 * part * (bet + log1p(-bet)) <= bet**2
        logs.append(_bet(bet, excess / fall, squares / fall**2) if monotone else -inf)
    return log_mean(logs)


def _squares(seen: Ratio, ratio: float) -> float:
    """Sum of the squares of top - ratio * bottom; rounding may leave a little less than nothing."""
    squares = seen.top_squares - 2 * ratio * seen.products + ratio**2 * seen.bottom_squares
    return max(squares, 0.0)


def _bet(bet: float, excess: float, squares: float) -> float:
    return bet * excess + (bet + log1p(-bet)) * squares
