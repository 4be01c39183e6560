"""A histogram of latencies with fixed logarithmic buckets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

FIRST_BOUND_SECONDS = 0.001
RATIO = 1.25
# The last bounded bucket ends at 0.001 * 1.25 ** 50 = 70 s, beyond any timeout on the way here.
BOUNDED_BUCKETS = 51

_LOG_RATIO = math.log(RATIO)


@dataclass
class LatencyHistogram:
    """Bucket `i` counts latencies in (FIRST * RATIO^(i-1), FIRST * RATIO^i] seconds; the first also all below it.

    Attributes:
        counts: One count a bucket; the last takes all beyond.
        sum_seconds: Sum of all latencies.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (BOUNDED_BUCKETS + 1))
    sum_seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one latency."""
        self.counts[bucket_of(seconds)] += 1
        self.sum_seconds += seconds

    def to_json(self) -> dict[str, Any]:
        """As `/counters` tells them; a copy, which later latencies do not change."""
        return {"firstBound": FIRST_BOUND_SECONDS, "ratio": RATIO, "counts": list(self.counts)}


def bucket_of(seconds: float) -> int:
    """The bucket of a latency, found without a search."""
    if seconds <= FIRST_BOUND_SECONDS:
        return 0
    # A hair off, so that a bound computed as FIRST * RATIO ** i falls into bucket i despite rounding.
    place = math.ceil(math.log(seconds / FIRST_BOUND_SECONDS) / _LOG_RATIO - 1e-9)
    return min(place, BOUNDED_BUCKETS)
