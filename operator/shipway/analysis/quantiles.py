"""Where a quantile of the latency may lie, for people to read: the tests themselves count slow answers.

The bucket of the true quantile holds at least the share `q` of all answers up to its upper bound, and less than that up
to its lower one. Only these two shares can be wrong, so their two confidence sequences are all that is spent, however
many buckets there are (Howard and Ramdas 2022).
"""

from dataclasses import dataclass
from itertools import accumulate
from math import inf

from shipway.analysis.confidence import interval
from shipway.analysis.counts import Count
from shipway.analysis.latency import Histogram


@dataclass(frozen=True)
class Between:
    """Seconds between which a quantile lies."""

    lower: float
    upper: float

    def __str__(self) -> str:
        if self.upper == inf:
            return f"over {self.lower:.3g} s"
        return f"{self.lower:.3g} to {self.upper:.3g} s"


def quantile_interval(histogram: Histogram, q: float, alpha: float) -> Between:
    """Seconds that enclose the quantile `q`, at every moment at once.

    Args:
        histogram: All answers so far.
        q: Which quantile, above 0 and below 1.
        alpha: Probability that the true quantile is ever outside, over all time.

    Raises:
        ValueError: `q` or `alpha` is no such number.
    """
    if not 0 < q < 1:
        raise ValueError(f"a quantile must lie between 0 and 1; got {q}")
    total, buckets = histogram.total, histogram.buckets
    last = buckets.size - 1
    shares = [interval(Count(total, below), alpha / 2) for below in accumulate(histogram.counts)]
    first = next((index for index, share in enumerate(shares[:last]) if share.upper >= q), last)
    final = next((index for index, share in enumerate(shares[:last]) if share.lower >= q), last)
    return Between(buckets.bound(first - 1) if first else 0.0, inf if final == last else buckets.bound(final))
