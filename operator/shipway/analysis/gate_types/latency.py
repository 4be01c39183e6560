"""Latency: the share of answers slower than stable's own quantile, and slower than what is fast enough in any case."""

from dataclasses import dataclass, replace

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.gates import Comparison
from shipway.analysis.judgement import Judgement
from shipway.analysis.latency import Histogram
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

CALIBRATION = 100
"""Answers of stable before its quantile is taken."""


@dataclass(frozen=True)
class Latency:
    """The evidence of one Latency gate in one step.

    Attributes:
        name: The gate.
        comparison: The counts.
        quantile: The quantile of stable's latency that counts as slow.
        fast_enough: An answer within so many seconds is never slow, however fast stable is.
        threshold: An answer slower than this many seconds is slow. Taken from stable's answers BEFORE any answer is
            counted by it, so that the counts stay independent of the choice.
        calibration: Stable's answers in this step.
        problem: Why the gate cannot count, if it cannot.
    """

    name: str
    comparison: Comparison[Count]
    quantile: float = 0.95
    fast_enough: float = 0.0
    threshold: float | None = None
    calibration: Histogram | None = None
    problem: str = ""

    def observe(self, *, candidate: Sample, stable: Sample) -> "Latency":
        """See GateEvidence."""
        if candidate.latency and stable.latency and candidate.latency.buckets != stable.latency.buckets:
            return replace(self, problem="the two versions count latency in different buckets")
        counted = self._count(candidate=candidate, stable=stable)
        return counted._calibrate(stable.latency)

    def next_step(self, *, keep_stable: bool) -> "Latency":
        """See GateEvidence."""
        fresh = self.comparison.next_step(keep_stable=keep_stable)
        return replace(self, comparison=fresh, threshold=self._freshest_threshold(), calibration=None, problem="")

    def judge(self) -> Judgement:
        """See GateEvidence."""
        judgement = self.comparison.judge()
        if self.problem:
            return replace(judgement, verdict=Verdict.ERROR, message=self.problem)
        if self.threshold is None:
            seen = self.calibration.total if self.calibration else 0
            message = f"{seen} of {CALIBRATION} answers of stable seen to know what is slow"
            return replace(judgement, verdict=Verdict.INCONCLUSIVE, message=message)
        return replace(judgement, message=f"{judgement.message}; slow is over {1000 * self.threshold:.3g} ms")

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence."""
        return self.comparison.stable_suffers_too

    def _count(self, *, candidate: Sample, stable: Sample) -> "Latency":
        if self.threshold is None:
            return self
        return replace(
            self,
            comparison=self.comparison.observe(
                candidate=_slow(candidate.latency, self.threshold), stable=_slow(stable.latency, self.threshold)
            ),
        )

    def _calibrate(self, latency: Histogram | None) -> "Latency":
        if latency is None:
            return self
        seen = self.calibration + latency if self.calibration else latency
        grown = replace(self, calibration=seen)
        return replace(grown, threshold=self.threshold or grown._freshest_threshold())

    def _freshest_threshold(self) -> float | None:
        seen = self.calibration
        if seen is None or seen.total < CALIBRATION:
            return self.threshold
        slow, fast_enough = seen.quantile(self.quantile), seen.buckets.holding(self.fast_enough)
        return seen.buckets.bound(max(slow, fast_enough))


def _slow(latency: Histogram | None, threshold: float) -> Count:
    return latency.slower_than(latency.buckets.index(threshold)) if latency else NOTHING
