"""What one version answered since the last look, in everything that gates count."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.analysis.bins import Scores
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.labels import Cohort
from shipway.analysis.latency import Histogram
from shipway.analysis.ratio import NO_SUMS, Ratio


@dataclass(frozen=True)
class Sample:
    """One version's answers, all pods together."""

    answers: Count = NOTHING
    """All answers, and those with status 5xx."""
    latency: Histogram | None = None
    """None without answers."""
    scores: Scores | None = None
    """Its predictions, of which an answer may hold many; None where none were counted."""
    metrics: Mapping[str, Ratio] = field(default_factory=dict)
    """Sums of what the answers say that they are worth, by metric."""
    cohorts: tuple[Cohort, ...] = ()
    """Its predictions whose labels are waited for or have come, as they are counted NOW and not since the last look."""
    weight: int | None = None
    """Percent of the traffic that the route gives the version; None while that is changing."""
    at: float = 0.0
    """When it was seen, by the clock that cohorts end by; 0 where no labels are counted."""
    slices: "Mapping[str, Sample] | None" = None
    """Answers and latency of the slices in which there were any; None where the predictors do not count slices."""
    left_out: int = 0
    """Names of slices that requests bore and that were not counted: the predictor had come to know too many others."""
    pairs: tuple[float, ...] | None = None
    """Of the new version: how far its answer and stable's are apart, for each request that both have answered; None
    while it is not mirrored, and nobody is asked."""
    tells_answers: bool = False
    """Whether a predictor tells which request it answered how; they are asked for it while one is mirrored."""

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(
            self.answers + other.answers,
            self.latency + other.latency if self.latency and other.latency else self.latency or other.latency,
            self.scores + other.scores if self.scores and other.scores else self.scores or other.scores,
            {
                name: self.metrics.get(name, NO_SUMS) + other.metrics.get(name, NO_SUMS)
                for name in self.metrics.keys() | other.metrics.keys()
            },
            self.cohorts + other.cohorts,
            other.weight if self.weight is None else self.weight,
            max(self.at, other.at),
            self._slices_with(other),
            self.left_out + other.left_out,
            None if self.pairs is None and other.pairs is None else (self.pairs or ()) + (other.pairs or ()),
            self.tells_answers or other.tells_answers,
        )

    def _slices_with(self, other: "Sample") -> "Mapping[str, Sample] | None":
        """Of both together; None where one of them has answers whose slices nobody counted."""
        if self.slices is None and other.slices is None:
            return None
        if any(sample.slices is None and sample.answers.trials for sample in (self, other)):
            return None
        ours, theirs = self.slices or {}, other.slices or {}
        return {name: ours.get(name, Sample()) + theirs.get(name, Sample()) for name in ours.keys() | theirs.keys()}
