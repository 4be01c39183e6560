"""Predictions counted in bins: the sketch that predictors keep, merged by addition, coarsened before it is tested."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True)
class Bins:
    """Predictions per bin, in the order of the bins."""

    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if any(count < 0 for count in self.counts):
            raise ValueError(f"counts must not be negative; got {self.counts}")

    def __add__(self, other: "Bins") -> "Bins":
        return Bins(tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def since(self, earlier: "Bins") -> "Bins":
        """What came after an earlier look at the same pod; all of it where it counts anew, or in other bins."""
        if len(self.counts) != len(earlier.counts):
            return self
        grown = tuple(now - before for now, before in zip(self.counts, earlier.counts, strict=True))
        return self if min(grown, default=0) < 0 else Bins(grown)

    @property
    def trials(self) -> int:
        """All predictions."""
        return sum(self.counts)

    @property
    def shares(self) -> tuple[float, ...]:
        """Per bin; all 0 without predictions."""
        total = self.trials
        return tuple(count / total if total else 0.0 for count in self.counts)

    def grouped(self, groups: "Groups") -> "Bins":
        """The same in coarser bins."""
        edges = (0, *groups.ends, len(self.counts))
        return Bins(tuple(sum(self.counts[low:high]) for low, high in pairwise(edges)))

    def __str__(self) -> str:
        return f"{self.trials} predictions"


@dataclass(frozen=True)
class Scores:
    """Predictions of one version in bins that the scale names; those of different scales cannot be compared."""

    scale: str
    bins: Bins

    def __add__(self, other: "Scores") -> "Scores":
        if not self.is_like(other):
            return INCOMPARABLE
        return Scores(self.scale, self.bins + other.bins)

    def since(self, earlier: "Scores") -> "Scores | None":
        """What came after an earlier look at the same pod; None where that counted in other bins."""
        return Scores(self.scale, self.bins.since(earlier.bins)) if self.is_like(earlier) else None

    def is_like(self, other: "Scores") -> bool:
        """Whether both are counted in the same bins."""
        return (self.scale, len(self.bins.counts)) == (other.scale, len(other.bins.counts))


INCOMPARABLE = Scores("", Bins(()))
"""Predictions of pods that count in different bins."""


@dataclass(frozen=True)
class Groups:
    """Where fine bins are put together: each group but the last ends before the bin named."""

    ends: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many groups."""
        return len(self.ends) + 1


def equal_groups(seen: Bins, size: int) -> Groups:
    """About `size` groups that hold equally much.

    A bin that would fill a group alone is one, and what lies below and above it are others, though nothing was seen
    there: who always predicts the same is to be told from who does not.
    """
    below = list(accumulate(seen.counts))
    wanted = {bisect_left(below, seen.trials * part / size) + 1 for part in range(1, size)}
    heavy = {index for index, count in enumerate(seen.counts) if 0 < seen.trials <= count * size}
    ends = wanted | heavy | {index + 1 for index in heavy}
    return Groups(tuple(sorted(end for end in ends if 0 < end < len(below))))


def positions(size: int) -> Sequence[float]:
    """Where each group lies between 0 and 1: about the rank of its predictions among stable's."""
    return [index / (size - 1) for index in range(size)] if size > 1 else [0.0] * size
