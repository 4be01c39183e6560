"""ErrorRate: the share of answers with status 5xx."""

from dataclasses import dataclass, replace

from shipway.analysis.counts import Count
from shipway.analysis.gates import Comparison
from shipway.analysis.judgement import Judgement
from shipway.analysis.sample import Sample


@dataclass(frozen=True)
class ErrorRate:
    """The evidence of one ErrorRate gate in one step.

    Attributes:
        name: The gate.
        comparison: The counts.
    """

    name: str
    comparison: Comparison[Count]

    def observe(self, *, candidate: Sample, stable: Sample) -> "ErrorRate":
        """See GateEvidence."""
        return replace(self, comparison=self.comparison.observe(candidate=candidate.answers, stable=stable.answers))

    def next_step(self, *, keep_stable: bool) -> "ErrorRate":
        """See GateEvidence."""
        return replace(self, comparison=self.comparison.next_step(keep_stable=keep_stable))

    def judge(self) -> Judgement:
        """See GateEvidence."""
        return self.comparison.judge()

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence."""
        return self.comparison.stable_suffers_too
