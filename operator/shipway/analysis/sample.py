"""What one version answered since the last look, in everything that gates count."""

from dataclasses import dataclass

from shipway.analysis.bins import Scores
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.latency import Histogram


@dataclass(frozen=True)
class Sample:
    """One version's answers, all pods together."""

    answers: Count = NOTHING
    """All answers, and those with status 5xx."""
    latency: Histogram | None = None
    """None without answers."""
    scores: Scores | None = None
    """Its predictions, of which an answer may hold many; None where none were counted."""
    weight: int | None = None
    """Percent of the traffic that the route gives the version; None while that is changing."""

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(
            self.answers + other.answers,
            self.latency + other.latency if self.latency and other.latency else self.latency or other.latency,
            self.scores + other.scores if self.scores and other.scores else self.scores or other.scores,
            other.weight if self.weight is None else self.weight,
        )
