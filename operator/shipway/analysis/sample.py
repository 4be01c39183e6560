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

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(self.answers + other.answers, _merged(self.latency, other.latency))


def _merged(a: Histogram | None, b: Histogram | None) -> Histogram | None:
    return a + b if a and b else a or b
