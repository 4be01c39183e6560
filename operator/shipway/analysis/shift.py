"""Prediction shift: are the new version's predictions distributed like stable's, but for a distance that is tolerated?

Bins are put together to groups that hold equally much of stable's first predictions, none of which is counted later.
Two ways to fail, as in gates: the distance is proven to lie beyond the margin, or a detector has seen the predictions
of the two versions part. Its bets are on batches that both had a part in, so a change of the traffic is held against
neither.
"""

from dataclasses import dataclass, field, replace
from math import inf, log

from shipway.analysis.bets import alternatives, expected
from shipway.analysis.bins import Bins, Groups, equal_groups
from shipway.analysis.confidence import Interval
from shipway.analysis.detector import Detector
from shipway.analysis.distances import Distance
from shipway.analysis.gates import SUSPICION, Tolerance
from shipway.analysis.judgement import Judgement
from shipway.analysis.shares import distance_interval
from shipway.analysis.two_samples import log_e_value
from shipway.api.v1alpha1.gates import Verdict

GROUPS = 10
FIRST_PREDICTIONS = 200
"""Stable's predictions by which bins are grouped."""


@dataclass(frozen=True)
class Grouped:
    """Both versions' predictions in groups, and what was noticed in them."""

    groups: Groups
    candidate: Bins
    stable: Bins
    detector: Detector = field(default_factory=Detector)

    @classmethod
    def begin(cls, groups: Groups) -> "Grouped":
        """Nothing counted yet."""
        nothing = Bins((0,) * groups.size)
        return cls(groups, nothing, nothing)

    def observe(self, candidate: Bins, stable: Bins, distance: Distance, margin: float) -> "Grouped":
        """What is known after one more batch in the bins of the predictors."""
        new, old = candidate.grouped(self.groups), stable.grouped(self.groups)
        usual = expected(self.stable)
        bets = [
            log_e_value(candidate=new, stable=old, new=shares, old=usual, distance=distance, margin=margin)
            for shares in alternatives(usual, self.candidate)
        ]
        return replace(
            self,
            candidate=self.candidate + new,
            stable=self.stable + old,
            detector=self.detector.fold(new.trials, bets),
        )


@dataclass(frozen=True)
class Shift:
    """The evidence of one prediction gate in one step.

    Attributes:
        tolerance: `margin` is in units of the distance.
        distance: Which distance.
        first: Stable's predictions by which bins are grouped.
        grouped: What was counted since; None before the groups are known.
        problem: Why the gate cannot count, if it cannot.
    """

    tolerance: Tolerance
    distance: Distance
    first: Bins | None = None
    grouped: Grouped | None = None
    problem: str = ""

    @classmethod
    def resumed(
        cls, tolerance: Tolerance, distance: Distance, groups: Groups, *, candidate: Bins, stable: Bins
    ) -> "Shift":
        """Go on from grouped counts that were kept; what the detector had seen is lost, its error rate is not."""
        kept = Grouped(groups, candidate, stable, Detector(trials=candidate.trials))
        return cls(tolerance, distance, grouped=kept)

    def anew(self) -> "Shift":
        """The same groups, if they are known, with nothing counted."""
        grouped = self.grouped and Grouped.begin(self.grouped.groups)
        return Shift(self.tolerance, self.distance, grouped=grouped)

    def observe(self, *, candidate: Bins | None, stable: Bins | None) -> "Shift":
        """The evidence after one more batch in the bins of the predictors; None where nothing was predicted."""
        if candidate is None and stable is None:
            return self
        first, *others = {len(seen.counts) for seen in (self.first, candidate, stable) if seen} or {0}
        if others or (self.grouped and first and first < self.grouped.groups.size):
            return replace(self, problem="predictions are counted in different bins")
        new, old = (seen or Bins((0,) * first) for seen in (candidate, stable))
        if self.grouped is None:
            return self._learn(old)
        return replace(self, grouped=self.grouped.observe(new, old, self.distance, self.tolerance.margin))

    def judge(self) -> Judgement:
        """The verdict so far."""
        seen = self.grouped
        if self.problem or seen is None:
            return self._not_counting()
        found = distance_interval(self.distance, seen.candidate, seen.stable, self.tolerance.bound_alpha * 2)
        verdict, message = self._verdict(seen, found)
        bound = f"{self.distance} {found.lower:.3g} to {found.upper:.3g} from stable"
        return Judgement(verdict, seen.candidate, seen.stable, found.lower, found.upper, message, bound)

    def _learn(self, stable: Bins) -> "Shift":
        first = self.first + stable if self.first else stable
        if first.trials < FIRST_PREDICTIONS:
            return replace(self, first=first)
        return replace(self, first=first, grouped=Grouped.begin(equal_groups(first, GROUPS)))

    def _not_counting(self) -> Judgement:
        nothing = Bins(())
        if self.problem:
            return Judgement(Verdict.ERROR, nothing, nothing, 0.0, inf, self.problem, "")
        seen = self.first.trials if self.first else 0
        message = f"{seen} of {FIRST_PREDICTIONS} predictions of stable seen to group them"
        return Judgement(Verdict.INCONCLUSIVE, nothing, nothing, 0.0, inf, message, "")

    def _verdict(self, seen: Grouped, found: Interval) -> tuple[Verdict, str]:
        margin = self.tolerance.margin
        allowed = f"{self.distance} {margin:.3g} is allowed"
        if found.lower > margin:
            return Verdict.FAIL, f"predictions lie at least {found.lower:.3g} from stable's; {allowed}"
        if seen.detector.log_value >= -log(self.tolerance.detector_alpha):
            return Verdict.FAIL, f"predictions have parted from stable's by more than what is tolerated; {allowed}"
        if found.upper <= margin:
            return Verdict.PASS, f"predictions lie at most {found.upper:.3g} from stable's; {allowed}"
        return self._undecided(seen)

    def _undecided(self, seen: Grouped) -> tuple[Verdict, str]:
        needed, new, old = self.tolerance.min_samples, seen.candidate.trials, seen.stable.trials
        if new < needed:
            return Verdict.INCONCLUSIVE, f"{new} of {needed} predictions of the new version seen"
        if old < needed:
            return Verdict.INCONCLUSIVE, f"{old} of {needed} predictions of stable seen to compare with"
        if seen.detector.log_value >= log(1 / SUSPICION):
            return Verdict.INCONCLUSIVE, "predictions look unlike stable's; more are needed to tell"
        return Verdict.NO_EVIDENCE_OF_HARM, f"no evidence of a shift in {new} predictions"
