"""BusinessMetric: a mean or ratio of what answers say that they are worth."""

from dataclasses import dataclass, replace

from shipway.analysis.gates import Comparison
from shipway.analysis.judgement import Judgement
from shipway.analysis.ratio import NO_SUMS, Ratio
from shipway.analysis.sample import Sample
from shipway.analysis.silence import NOBODY, Silence
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class BusinessMetric:
    """The evidence of one BusinessMetric gate in one step.

    Attributes:
        name: The gate.
        metric: The predictor's metric that it compares.
        comparison: The sums.
        silence: Who answers without the metric.
    """

    name: str
    metric: str
    comparison: Comparison[Ratio]
    silence: Silence = NOBODY

    def observe(self, *, candidate: Sample, stable: Sample) -> "BusinessMetric":
        """See GateEvidence."""
        new, old = (sample.metrics.get(self.metric, NO_SUMS) for sample in (candidate, stable))
        heard = new.trials > 0, old.trials > 0
        return replace(
            self,
            comparison=self.comparison.observe(candidate=new, stable=old),
            silence=self.silence.observe(candidate.answers, stable.answers, heard=heard),
        )

    def next_step(self, *, keep_stable: bool) -> "BusinessMetric":
        """See GateEvidence."""
        return replace(self, comparison=self.comparison.next_step(keep_stable=keep_stable), silence=NOBODY)

    def judge(self) -> Judgement:
        """See GateEvidence."""
        judgement = self.comparison.judge()
        version = self.silence.of_whom
        if not version or judgement.verdict is Verdict.FAIL:
            return judgement
        message = f"the answers of {version} do not bear the metric {self.metric}"
        return replace(judgement, verdict=Verdict.ERROR, message=message)

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence."""
        return self.comparison.stable_suffers_too
