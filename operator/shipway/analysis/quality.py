"""Gates on what predictions turned out to be worth: calibration and normalized entropy, learned from late labels."""

from dataclasses import dataclass, replace
from math import inf, log, log1p

from shipway.analysis.counts import NOTHING
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.judgement import Judgement, worst
from shipway.analysis.labels import LOSS_LIMIT, NO_LABELS, Labelled
from shipway.analysis.ratio import NO_SUMS, Ratio, RatioMeasure
from shipway.api.v1alpha1.gates import Verdict

CALIBRATED = 1.0
"""As many positives predicted as observed."""
FIRST_LABELS = 1000
"""Stable's labels from which the rate of positives is taken; none of them is counted by it."""
_OVER = RatioMeasure(top_limit=1.0, bottom_limit=1.0, unit="labels")
_UNDER = replace(_OVER, falling=True)


@dataclass(frozen=True)
class Calibration:
    """Whether the new version predicts too many positives, or too few.

    Being right is never held against it, however wrong stable is: the ratio of predicted to observed may lie between 1
    and stable's, and `margin` beyond either.
    """

    over: Comparison[Ratio]
    under: Comparison[Ratio]

    @classmethod
    def begin(cls, tolerance: Tolerance) -> "Calibration":
        """Nothing seen yet."""
        return cls.resumed(tolerance, candidate=NO_SUMS, stable=NO_SUMS)

    @classmethod
    def resumed(cls, tolerance: Tolerance, *, candidate: Ratio, stable: Ratio) -> "Calibration":
        """Go on from sums that were kept; either side gets half of alpha."""
        half = replace(tolerance, alpha=tolerance.alpha / 2, bursts=0)
        over, under = (
            Comparison.resumed(replace(half, floor=floor), measure, candidate=candidate, stable=stable)
            for measure, floor in ((_OVER, CALIBRATED), (_UNDER, -CALIBRATED))
        )
        return cls(over, under)

    def anew(self, *, keep_stable: bool) -> "Calibration":
        """Nothing counted, but stable's sums where they are kept."""
        return Calibration(self.over.next_step(keep_stable=keep_stable), self.under.next_step(keep_stable=keep_stable))

    def observe(self, *, candidate: Labelled, stable: Labelled) -> "Calibration":
        """The evidence after more labels."""
        new, old = candidate.calibration, stable.calibration
        return Calibration(self.over.observe(candidate=new, stable=old), self.under.observe(candidate=new, stable=old))

    def judge(self, *, waiting: int = 0) -> Judgement:
        """The verdict so far.

        Args:
            waiting: Predictions of the new version whose labels are not in.
        """
        return with_waiting(worst((self.over.judge(), self.under.judge())), waiting)

    @property
    def stable_suffers_too(self) -> bool:
        """Whether stable's own calibration has got worse in this step."""
        return self.over.stable_suffers_too or self.under.stable_suffers_too


@dataclass(frozen=True)
class NormalizedEntropy:
    """Whether the new version's predictions are worth less: their loss over that of a constant prediction.

    The constant is stable's rate of positives, taken from its first labels BEFORE any label is counted. No constant
    loses less than the true rate, so a difference shown with another is at least as large with the true one (He et al.
    2014 for the measure).

    Attributes:
        tolerance: `margin` is in units of normalized entropy.
        first: Stable's labels from which the rate is taken.
        rate: The rate; None before it is known.
        comparison: The losses counted since; None before the rate is known.
    """

    tolerance: Tolerance
    first: Labelled = NO_LABELS
    rate: float | None = None
    comparison: Comparison[Ratio] | None = None

    @classmethod
    def resumed(cls, tolerance: Tolerance, rate: float, *, candidate: Ratio, stable: Ratio) -> "NormalizedEntropy":
        """Go on from sums that were kept with the rate they were counted by."""
        measure = RatioMeasure(LOSS_LIMIT, max(-log(rate), -log1p(-rate)), unit="labels")
        smooth = replace(tolerance, bursts=0)
        comparison = Comparison.resumed(smooth, measure, candidate=candidate, stable=stable)
        return cls(tolerance, rate=rate, comparison=comparison)

    def anew(self, *, keep_stable: bool) -> "NormalizedEntropy":
        """The same rate, if it is known, with nothing counted but stable's sums where they are kept."""
        if self.rate is None or self.comparison is None:
            return NormalizedEntropy(self.tolerance)
        return replace(self, comparison=self.comparison.next_step(keep_stable=keep_stable))

    def observe(self, *, candidate: Labelled, stable: Labelled) -> "NormalizedEntropy":
        """The evidence after more labels."""
        if self.rate is None or self.comparison is None:
            return self._learn(stable)
        new, old = candidate.entropy(self.rate), stable.entropy(self.rate)
        return replace(self, comparison=self.comparison.observe(candidate=new, stable=old))

    def judge(self, *, waiting: int = 0) -> Judgement:
        """The verdict so far; see Calibration.judge."""
        if self.comparison is not None:
            return with_waiting(self.comparison.judge(), waiting)
        message = f"{self.first.trials} of {FIRST_LABELS} labels of stable seen to know the rate of positives"
        return with_waiting(Judgement(Verdict.INCONCLUSIVE, NOTHING, NOTHING, -inf, inf, message, ""), waiting)

    @property
    def stable_suffers_too(self) -> bool:
        """Whether stable's own predictions have got worse in this step."""
        return self.comparison is not None and self.comparison.stable_suffers_too

    def _learn(self, stable: Labelled) -> "NormalizedEntropy":
        first = self.first + stable
        if first.trials < FIRST_LABELS:
            return replace(self, first=first)
        return self.resumed(self.tolerance, first.rate, candidate=NO_SUMS, stable=NO_SUMS)


def with_waiting(judgement: Judgement, waiting: int) -> Judgement:
    """Say how many labels are not in yet where that may be why nothing is decided."""
    if judgement.verdict is not Verdict.INCONCLUSIVE or not waiting:
        return judgement
    return replace(judgement, message=f"{judgement.message}; the labels of {waiting} predictions are not in yet")
