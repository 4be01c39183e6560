"""How one kind of data is weighed: what a comparison must know of it, and the simplest kind, a share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

from shipway.analysis import confidence, detector, side_by_side
from shipway.analysis.confidence import Interval
from shipway.analysis.counts import NOTHING, Count


class Statistic(Protocol):
    """Sums over answers."""

    @property
    def trials(self) -> int:
        """Answers counted."""
        ...

    def __add__(self, other: Self, /) -> Self: ...


S = TypeVar("S", bound=Statistic)


class Measure(Protocol[S]):
    """A value of which more is worse, such as a share of errors, learned from sums of the kind `S`."""

    @property
    def nothing(self) -> S:
        """Nothing seen yet."""
        ...

    @property
    def unit(self) -> str:
        """What is counted, in the plural, for messages."""
        ...

    @property
    def stakes(self) -> tuple[float, ...]:
        """How much is staked on each of `log_ratios`, together 1; empty for the same on each."""
        ...

    def value(self, seen: S) -> float:
        """The estimate; at most the smallest possible value where nothing was seen."""
        ...

    def interval(self, seen: S, alpha: float) -> Interval:
        """The values that `seen` does not refute, at every moment at once, at level `alpha`."""
        ...

    def log_ratios(self, batch: S, bound: float) -> Sequence[float]:
        """Logarithms of e-values of a batch against "the value is at most `bound`", one for each way to be above."""
        ...

    def side_by_side(self, *, candidate: S, stable: S, known: S, margin: float) -> Sequence[float]:
        """Logarithms of e-values of one batch of both against "the new value is larger by at most `margin`".

        Args:
            candidate: The new version's part of the batch.
            stable: Stable's part.
            known: What stable had done BEFORE the batch.
            margin: How much larger the new value may be.
        """
        ...

    def problem(self, seen: S) -> str:
        """Why the sums cannot be what they are said to be; empty if they can."""
        ...

    def text(self, value: float, sign: str = "") -> str:
        """A value for people; with sign "+" it always bears one."""
        ...


@dataclass(frozen=True)
class Proportion:
    """The share of hits."""

    nothing: Count = NOTHING
    unit: str = "answers"
    stakes: tuple[float, ...] = detector.STAKES

    def value(self, seen: Count) -> float:
        """See Measure."""
        return seen.share

    def interval(self, seen: Count, alpha: float) -> Interval:
        """See Measure."""
        return confidence.interval(seen, alpha)

    def log_ratios(self, batch: Count, bound: float) -> Sequence[float]:
        """See Measure."""
        return detector.bernoulli(batch.trials, batch.hits, bound)

    def side_by_side(self, *, candidate: Count, stable: Count, known: Count, margin: float) -> Sequence[float]:
        """See Measure."""
        return side_by_side.log_e_values(candidate=candidate, stable=stable, known=known, margin=margin)

    def problem(self, seen: Count) -> str:
        """See Measure; a count cannot be wrong in itself."""
        del seen
        return ""

    def text(self, value: float, sign: str = "") -> str:
        """See Measure."""
        return f"{value:{sign}.2%}"


PROPORTION = Proportion()
