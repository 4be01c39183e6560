"""What one version answered since the last look, in everything that gates count."""

from dataclasses import dataclass

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.latency import Histogram


@dataclass(frozen=True)
class Sample:
    """One version's answers, all pods together."""

    answers: Count = NOTHING
    """All answers, and those with status 5xx."""
    latency: Histogram | None = None
    """None without answers."""
    weight: int | None = None
    """Percent of the traffic that the route gives the version; None while that is changing."""

    def __add__(self, other: "Sample") -> "Sample":
        weight = other.weight if self.weight is None else self.weight
        return Sample(self.answers + other.answers, _merged(self.latency, other.latency), weight)


def _merged(a: Histogram | None, b: Histogram | None) -> Histogram | None:
    return a + b if a and b else a or b
