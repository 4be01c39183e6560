"""Latency as a proportion: which answers are slow, measured by stable's own quantile."""

from dataclasses import dataclass
from itertools import accumulate
from math import ceil, log

from shipway.analysis.counts import Count


@dataclass(frozen=True)
class Buckets:
    """Logarithmic buckets: bucket i holds latencies up to first_bound * ratio ** i seconds, the last one all above."""

    first_bound: float
    ratio: float
    size: int

    def bound(self, index: int) -> float:
        """Upper bound of a bucket in seconds."""
        return self.first_bound * self.ratio**index

    def index(self, seconds: float) -> int:
        """The bucket whose upper bound is nearest to `seconds`."""
        nearest = round(log(seconds / self.first_bound) / log(self.ratio))
        return max(0, min(nearest, self.size - 1))

    def holding(self, seconds: float) -> int:
        """The bucket that holds an answer of `seconds`: nothing faster lies above it."""
        if seconds <= self.first_bound:
            return 0
        # A hair off, so that a bound falls into the bucket it ends despite rounding.
        place = ceil(log(seconds / self.first_bound) / log(self.ratio) - 1e-9)
        return min(place, self.size - 1)


@dataclass(frozen=True)
class Histogram:
    """Answers per bucket."""

    buckets: Buckets
    counts: tuple[int, ...]

    def __add__(self, other: "Histogram") -> "Histogram":
        if other.buckets != self.buckets:
            raise ValueError(f"latency buckets differ: {self.buckets} and {other.buckets}")
        return Histogram(self.buckets, tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def total(self) -> int:
        """All answers."""
        return sum(self.counts)

    def quantile(self, q: float) -> int:
        """The first bucket at whose upper bound at least the share `q` of the answers has been given."""
        needed = q * self.total
        return next(i for i, below in enumerate(accumulate(self.counts)) if below >= needed)

    def slower_than(self, index: int) -> Count:
        """How many answers lie above the upper bound of a bucket."""
        return Count(trials=self.total, hits=sum(self.counts[index + 1 :]))
