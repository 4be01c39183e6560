"""A gate: is the new version's value, such as its share of bad answers, within `margin` of stable's?

Three ways to fail, each good for ever at its part of alpha: the lower bound of the difference lies beyond the margin;
the detector has seen the new version's value rise above stable's upper bound plus the margin; or the answers of both
side by side, over all steps, tell them apart. The second is fast where stable is well known, the third finds what is
small. Whether a version is good enough to go on is a separate question, answered by proof or by the absence of
suspicion over enough answers.
"""

from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import inf, log
from typing import Generic

from shipway.analysis.confidence import Interval
from shipway.analysis.detector import Detector, log_mean
from shipway.analysis.judgement import Judgement
from shipway.analysis.measure import Measure, S
from shipway.api.v1alpha1.gates import Verdict

SUSPICION = 0.2
"""Level at which harm is not shown but likely enough to wait for more answers."""
RECENT_BATCHES = 4
"""Stable's newest batches, a second of them at the usual rate: what hits both versions in one moment, such as a stalled
node, comes in bursts that no bound on stable's long-run share foresees. One bad answer among few is no burst: it has to
be as unlikely as a suspicion."""


@dataclass(frozen=True)
class Tolerance:
    """What is allowed, and how sure one must be.

    Attributes:
        margin: How much larger the new version's value may be; a share as a fraction.
        min_samples: Answers of each version before NoEvidenceOfHarm may be said.
        alpha: Probability of ever failing a version that is within the margin, in the whole release.
        step: What part of alpha the tests may spend that begin anew with every step.
        floor: A value of stable's below this counts as this: where good enough is good enough.
        bursts: Newest batches of stable that excuse the new version; 0 for what does not come in bursts.
    """

    margin: float
    min_samples: int
    alpha: float
    step: float = 1.0
    floor: float = -inf
    bursts: int = RECENT_BATCHES

    @property
    def step_alpha(self) -> float:
        """Spent in this step, but for what both versions side by side may spend in the whole release."""
        return self.alpha * self.step

    @property
    def baseline_alpha(self) -> float:
        """Spent on stable's interval."""
        return self.step_alpha / 8

    @property
    def bound_alpha(self) -> float:
        """Spent on the new version's interval."""
        return self.step_alpha / 16

    @property
    def detector_alpha(self) -> float:
        """Spent on the detector."""
        return self.step_alpha * 11 / 16

    @property
    def side_by_side_alpha(self) -> float:
        """Spent on both versions side by side; of the whole release, as their evidence is."""
        return self.alpha / 8


@dataclass(frozen=True)
class Comparison(Generic[S]):
    """The evidence of one test in one step."""

    tolerance: Tolerance
    measure: Measure[S]
    candidate: S
    stable: S
    """What stable is known by: since before the new version answered, where that was seen."""
    beside: S
    """What stable has done since the new version's first answer: an outage of both counts for both."""
    detector: Detector = field(default_factory=Detector)
    drift: Detector = field(default_factory=Detector)
    """The same detector on stable itself: whatever hits both is not the new version's doing."""
    side_by_side: Detector = field(default_factory=Detector)
    """Of this release, not of this step: its batches need nothing in common, so none is forgotten."""
    recent: tuple[S, ...] = ()
    """Stable's newest batches."""

    @classmethod
    def begin(cls, tolerance: Tolerance, measure: Measure[S]) -> "Comparison[S]":
        """Nothing seen yet."""
        return cls.resumed(tolerance, measure, candidate=measure.nothing, stable=measure.nothing)

    @classmethod
    def resumed(cls, tolerance: Tolerance, measure: Measure[S], *, candidate: S, stable: S) -> "Comparison[S]":
        """Go on from sums that were kept; what the step's detectors had seen is lost, their error rate is not."""
        began, drifted = (Detector(trials=seen.trials, stakes=measure.stakes) for seen in (candidate, stable))
        beside = stable if candidate.trials else measure.nothing
        return cls(tolerance, measure, candidate, stable, beside, began, drifted)

    def next_step(self, *, keep_stable: bool) -> "Comparison[S]":
        """Begin a step; `keep_stable` keeps stable's sums as the baseline."""
        nothing = self.measure.nothing
        stable = self.stable if keep_stable else nothing
        fresh = self.resumed(self.tolerance, self.measure, candidate=nothing, stable=stable)
        return replace(fresh, side_by_side=self.side_by_side)

    def observe(self, *, candidate: S, stable: S) -> "Comparison[S]":
        """The evidence after one more batch."""
        usual = self._baseline(self.tolerance.baseline_alpha, self.stable).upper
        bursts = self.tolerance.bursts
        recent = (*self.recent, stable)[-bursts:] if bursts else ()
        burst = self._worst_burst(recent, usual)
        now = max(usual, burst)
        return replace(
            self,
            candidate=self.candidate + candidate,
            stable=self.stable + stable,
            beside=self.beside + stable if self.candidate.trials or candidate.trials else self.beside,
            detector=self._fold(self.detector, candidate, now),
            drift=self._fold(self.drift, stable, usual),
            side_by_side=self._compare(candidate, stable, excused=burst > usual),
            recent=recent,
        )

    @property
    def stable_suffers_too(self) -> bool:
        """Whether stable itself has got worse in this step."""
        return self.drift.log_value >= log(1 / SUSPICION)

    def judge(self) -> Judgement:
        """The verdict so far."""
        difference = self._difference(self.tolerance.bound_alpha)
        verdict, message = self._verdict(difference)
        text = self.measure.text
        bound = f"{text(difference.lower, '+')} to {text(difference.upper, '+')} against stable"
        return Judgement(verdict, self.candidate, self.stable, difference.lower, difference.upper, message, bound)

    def _verdict(self, difference: Interval) -> tuple[Verdict, str]:
        if problem := self.measure.problem(self.candidate) or self.measure.problem(self.stable):
            return Verdict.ERROR, problem
        margin, text = self.tolerance.margin, self.measure.text
        if difference.lower > margin:
            return Verdict.FAIL, f"at least {text(difference.lower)} worse than stable; {text(margin)} is allowed"
        if self.detector.log_value >= -log(self.tolerance.detector_alpha):
            return Verdict.FAIL, f"has become worse than stable by more than the {text(margin)} that is allowed"
        if self.side_by_side.log_value >= -log(self.tolerance.side_by_side_alpha):
            return Verdict.FAIL, f"was worse than stable in the same seconds by more than the {text(margin)} allowed"
        if difference.upper <= margin:
            return Verdict.PASS, f"at most {text(difference.upper)} worse than stable; {text(margin)} is allowed"
        return self._undecided()

    def _undecided(self) -> tuple[Verdict, str]:
        needed, unit = self.tolerance.min_samples, self.measure.unit
        if self.candidate.trials < needed:
            return Verdict.INCONCLUSIVE, f"{self.candidate.trials} of {needed} {unit} of the new version seen"
        if self.stable.trials < needed:
            return Verdict.INCONCLUSIVE, f"{self.stable.trials} of {needed} {unit} of stable seen to compare with"
        if self._suspected:
            return Verdict.INCONCLUSIVE, f"looks worse than stable; more {unit} are needed to tell"
        return Verdict.NO_EVIDENCE_OF_HARM, f"no evidence of harm in {self.candidate.trials} {unit}"

    @property
    def _suspected(self) -> bool:
        beyond = self._difference(SUSPICION / 2, SUSPICION / 2).lower > self.tolerance.margin
        return beyond or self.detector.log_value >= log(1 / SUSPICION)

    def _difference(self, candidate_alpha: float, stable_alpha: float | None = None) -> Interval:
        new = self.measure.interval(self.candidate, candidate_alpha)
        # Without traffic of its own, stable is what it was.
        same_time = self.beside if self.beside.trials else self.stable
        old = self._baseline(stable_alpha or self.tolerance.baseline_alpha, same_time)
        return Interval(new.lower - old.upper, new.upper - old.lower)

    def _baseline(self, alpha: float, seen: S) -> Interval:
        known, floor = self.measure.interval(seen, alpha), self.tolerance.floor
        return Interval(max(known.lower, floor), max(known.upper, floor))

    def _fold(self, detector: Detector, batch: S, base: float) -> Detector:
        if batch.trials == 0:
            return detector
        return detector.fold(batch.trials, self.measure.log_ratios(batch, base + self.tolerance.margin))

    def _compare(self, candidate: S, stable: S, *, excused: bool) -> Detector:
        if candidate.trials == 0:
            return self.side_by_side
        logs = self.measure.side_by_side(
            candidate=candidate, stable=stable, known=self.stable, margin=self.tolerance.margin
        )
        # In a burst only what speaks for the new version counts: a smaller e-value is still one.
        return self.side_by_side.fold(candidate.trials, [min(log, 0.0) for log in logs] if excused else logs)

    def _worst_burst(self, batches: tuple[S, ...], usual: float) -> float:
        bursts = [seen for seen in accumulate(reversed(batches)) if seen.trials and self._is_burst(seen, usual)]
        return max(map(self.measure.value, bursts), default=-inf)

    def _is_burst(self, seen: S, usual: float) -> bool:
        return log_mean(self.measure.log_ratios(seen, usual), self.measure.stakes) >= log(1 / SUSPICION)
