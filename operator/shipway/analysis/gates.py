"""A gate: is the new version's share of bad answers within `margin` of stable's?

Two ways to fail, each good for ever at its part of alpha: the lower bound of the difference lies beyond the margin, or
the detector has seen the new version's share rise above stable's upper bound plus the margin. Whether a version is good
enough to go on is a separate question, answered by proof or by the absence of suspicion over enough answers.
"""

from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import log

from shipway.analysis.confidence import Interval, interval
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.detector import Detector
from shipway.api.v1alpha1.servingdeployment import Verdict

SUSPICION = 0.2
"""Level at which harm is not shown but likely enough to wait for more answers."""
RECENT_BATCHES = 4
"""Stable's newest batches, a second of them at the usual rate: what hits both versions in one moment, such as a stalled
node, comes in bursts that no bound on stable's long-run share foresees."""


@dataclass(frozen=True)
class Tolerance:
    """What is allowed, and how sure one must be.

    Attributes:
        margin: How much larger the new version's share may be, as a fraction.
        min_samples: Answers of each version before NoEvidenceOfHarm may be said.
        alpha: Probability of ever failing a version that is within the margin.
    """

    margin: float
    min_samples: int
    alpha: float

    @property
    def baseline_alpha(self) -> float:
        """Spent on stable's interval."""
        return self.alpha / 4

    @property
    def bound_alpha(self) -> float:
        """Spent on the new version's interval."""
        return self.alpha / 4

    @property
    def detector_alpha(self) -> float:
        """Spent on the detector."""
        return self.alpha / 2


@dataclass(frozen=True)
class Judgement:
    """A verdict with the numbers it rests on."""

    verdict: Verdict
    candidate: Count
    stable: Count
    lower: float
    """Lower bound of candidate minus stable."""
    upper: float
    """Upper bound of candidate minus stable."""
    message: str


@dataclass(frozen=True)
class Comparison:
    """The evidence of one test in one step."""

    tolerance: Tolerance
    candidate: Count = NOTHING
    stable: Count = NOTHING
    detector: Detector = field(default_factory=Detector)
    drift: Detector = field(default_factory=Detector)
    """The same detector on stable itself: whatever hits both is not the new version's doing."""
    recent: tuple[Count, ...] = ()
    """Stable's newest batches."""

    @classmethod
    def resumed(cls, tolerance: Tolerance, *, candidate: Count, stable: Count) -> "Comparison":
        """Go on from counts that were kept; what the detectors had seen before is lost, their error rate is not."""
        return cls(tolerance, candidate, stable, Detector(trials=candidate.trials), Detector(trials=stable.trials))

    def observe(self, *, candidate: Count, stable: Count) -> "Comparison":
        """The evidence after one more batch."""
        usual = interval(self.stable, self.tolerance.baseline_alpha).upper
        recent = (*self.recent, stable)[-RECENT_BATCHES:]
        now = max(usual, _worst_share(recent))
        return replace(
            self,
            candidate=self.candidate + candidate,
            stable=self.stable + stable,
            detector=self.detector.observe(candidate, now + self.tolerance.margin),
            drift=self.drift.observe(stable, usual + self.tolerance.margin),
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
        return Judgement(verdict, self.candidate, self.stable, difference.lower, difference.upper, message)

    def _verdict(self, difference: Interval) -> tuple[Verdict, str]:
        margin = self.tolerance.margin
        if difference.lower > margin:
            return Verdict.FAIL, f"at least {difference.lower:.2%} worse than stable; {margin:.2%} is allowed"
        if self.detector.log_value >= -log(self.tolerance.detector_alpha):
            return Verdict.FAIL, f"has become worse than stable by more than the {margin:.2%} that is allowed"
        if difference.upper <= margin:
            return Verdict.PASS, f"at most {difference.upper:.2%} worse than stable; {margin:.2%} is allowed"
        return self._undecided()

    def _undecided(self) -> tuple[Verdict, str]:
        needed = self.tolerance.min_samples
        if self.candidate.trials < needed:
            return Verdict.INCONCLUSIVE, f"{self.candidate.trials} of {needed} answers of the new version seen"
        if self.stable.trials < needed:
            return Verdict.INCONCLUSIVE, f"{self.stable.trials} of {needed} answers of stable seen to compare with"
        if self._suspected:
            return Verdict.INCONCLUSIVE, "looks worse than stable; more answers are needed to tell"
        return Verdict.NO_EVIDENCE_OF_HARM, f"no evidence of harm in {self.candidate.trials} answers"

    @property
    def _suspected(self) -> bool:
        beyond = self._difference(SUSPICION / 2, SUSPICION / 2).lower > self.tolerance.margin
        return beyond or self.detector.log_value >= log(1 / SUSPICION)

    def _difference(self, candidate_alpha: float, stable_alpha: float | None = None) -> Interval:
        new = interval(self.candidate, candidate_alpha)
        old = interval(self.stable, stable_alpha or self.tolerance.baseline_alpha)
        return Interval(new.lower - old.upper, new.upper - old.lower)


def _worst_share(batches: tuple[Count, ...]) -> float:
    return max(count.share for count in accumulate(reversed(batches)))
