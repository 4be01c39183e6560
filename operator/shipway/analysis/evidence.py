"""The evidence of one step: every gate's counts, kept apart from those at any other weight."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.gates import Comparison
from shipway.analysis.judgement import Judgement
from shipway.analysis.latency import Histogram
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.gates import Verdict

CALIBRATION = 100
"""Answers of stable before its quantile is taken."""


class Signal(StrEnum):
    """What a gate counts."""

    ERROR_RATE = "ErrorRate"
    LATENCY = "Latency"


@dataclass(frozen=True)
class Sample:
    """What one version answered since the last look."""

    answers: Count = NOTHING
    """All answers, and those with status 5xx."""
    latency: Histogram | None = None
    """None without answers."""


@dataclass(frozen=True)
class GateEvidence:
    """One gate's evidence in one step.

    Attributes:
        name: The gate.
        signal: What it counts.
        quantile: Latency only: the quantile of stable's latency that counts as slow.
        comparison: The counts.
        threshold: Latency only: an answer slower than this many seconds is slow. Taken from stable's answers BEFORE any
            answer is counted by it, so that the counts stay independent of the choice.
        calibration: Latency only: stable's answers in this step.
        problem: Why the gate cannot count, if it cannot.
    """

    name: str
    signal: Signal
    comparison: Comparison[Count]
    quantile: float = 0.95
    threshold: float | None = None
    calibration: Histogram | None = None
    problem: str = ""

    def observe(self, *, candidate: Sample, stable: Sample) -> "GateEvidence":
        """The evidence after one more batch."""
        if self.signal is Signal.ERROR_RATE:
            return replace(self, comparison=self.comparison.observe(candidate=candidate.answers, stable=stable.answers))
        if candidate.latency and stable.latency and candidate.latency.buckets != stable.latency.buckets:
            return replace(self, problem="the two versions count latency in different buckets")
        counted = self._count(candidate=candidate, stable=stable)
        return counted._calibrate(stable.latency)

    def next_step(self, *, keep_stable: bool) -> "GateEvidence":
        """Begin a step: nothing counted; stable's counts are kept as the baseline where it will get no traffic."""
        stable = self.comparison.stable if keep_stable else NOTHING
        fresh = Comparison.resumed(self.comparison.tolerance, PROPORTION, candidate=NOTHING, stable=stable)
        return replace(self, comparison=fresh, threshold=self._freshest_threshold(), calibration=None, problem="")

    def judge(self) -> Judgement:
        """The gate's verdict so far."""
        judgement = self.comparison.judge()
        if self.problem:
            return replace(judgement, verdict=Verdict.ERROR, message=self.problem)
        if self.signal is Signal.LATENCY and self.threshold is None:
            seen = self.calibration.total if self.calibration else 0
            message = f"{seen} of {CALIBRATION} answers of stable seen to know what is slow"
            return replace(judgement, verdict=Verdict.INCONCLUSIVE, message=message)
        return judgement

    def _count(self, *, candidate: Sample, stable: Sample) -> "GateEvidence":
        if self.threshold is None:
            return self
        return replace(
            self,
            comparison=self.comparison.observe(
                candidate=_slow(candidate.latency, self.threshold), stable=_slow(stable.latency, self.threshold)
            ),
        )

    def _calibrate(self, latency: Histogram | None) -> "GateEvidence":
        if latency is None:
            return self
        seen = self.calibration + latency if self.calibration else latency
        grown = replace(self, calibration=seen)
        return replace(grown, threshold=self.threshold or grown._freshest_threshold())

    def _freshest_threshold(self) -> float | None:
        seen = self.calibration
        if seen is None or seen.total < CALIBRATION:
            return self.threshold
        return seen.buckets.bound(seen.quantile(self.quantile))


@dataclass(frozen=True)
class StepEvidence:
    """All gates' evidence in one step, with the answers of both versions."""

    gates: tuple[GateEvidence, ...] = ()
    candidate: Count = NOTHING
    stable: Count = NOTHING

    def observe(self, *, candidate: Sample, stable: Sample) -> "StepEvidence":
        """The evidence after one more batch."""
        return StepEvidence(
            tuple(gate.observe(candidate=candidate, stable=stable) for gate in self.gates),
            self.candidate + candidate.answers,
            self.stable + stable.answers,
        )

    def next_step(self, *, keep_stable: bool) -> "StepEvidence":
        """Begin a step; `keep_stable` keeps stable's counts as the baseline where it will get no traffic."""
        gates = tuple(gate.next_step(keep_stable=keep_stable) for gate in self.gates)
        return StepEvidence(gates, NOTHING, self.stable if keep_stable else NOTHING)

    def judge(self) -> Mapping[str, Judgement]:
        """Every gate's verdict so far."""
        return {gate.name: gate.judge() for gate in self.gates}

    @property
    def stable_suffers_too(self) -> bool:
        """Whether stable itself has got worse in this step, by any gate."""
        return any(gate.comparison.stable_suffers_too for gate in self.gates)


def _slow(latency: Histogram | None, threshold: float) -> Count:
    return latency.slower_than(latency.buckets.index(threshold)) if latency else NOTHING
