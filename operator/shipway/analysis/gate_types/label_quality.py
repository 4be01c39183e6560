"""Calibration and NormalizedEntropy: what predictions turned out to be worth, by labels that come late."""

from dataclasses import dataclass, replace

from shipway.analysis.judgement import Judgement
from shipway.analysis.labels import matured
from shipway.analysis.quality import Calibration, NormalizedEntropy
from shipway.analysis.sample import Sample


@dataclass(frozen=True)
class LabelQuality:
    """The evidence of one such gate in one step. A prediction counts when its window has closed, never before.

    Attributes:
        name: The gate.
        quality: The sums, and the test.
        window: Seconds from a prediction until its label is final.
        until: Predictions up to then are counted, or were made before the step.
        waiting: Predictions of the new version in this step whose window is still open.
    """

    name: str
    quality: Calibration | NormalizedEntropy
    window: float
    until: float
    waiting: int = 0

    def observe(self, *, candidate: Sample, stable: Sample) -> "LabelQuality":
        """See GateEvidence."""
        now = max(candidate.at, stable.at)
        new, old = (
            matured(sample.cohorts, since=self.until, now=now, window=self.window) for sample in (candidate, stable)
        )
        seen = replace(self, until=new.until, waiting=new.waiting)
        if not new.labelled.trials and not old.labelled.trials:
            return seen
        return replace(seen, quality=self.quality.observe(candidate=new.labelled, stable=old.labelled))

    def next_step(self, *, keep_stable: bool) -> "LabelQuality":
        """See GateEvidence."""
        return replace(self, quality=self.quality.anew(keep_stable=keep_stable), waiting=0)

    def judge(self) -> Judgement:
        """See GateEvidence."""
        return self.quality.judge(waiting=self.waiting)

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence."""
        return self.quality.stable_suffers_too
