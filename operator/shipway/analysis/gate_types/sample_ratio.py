"""SampleRatio: whether the versions get the shares of the answers that the route gives them."""

from dataclasses import dataclass, replace

from shipway.analysis.gates import Tolerance
from shipway.analysis.judgement import CANDIDATE, STABLE, Judgement
from shipway.analysis.mismatch import Allotment, judge_shares
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class Part:
    """One version's answers out of those of both."""

    trials: int
    whole: int

    def __str__(self) -> str:
        return f"{self.trials}/{self.whole} ({self.trials / self.whole:.2%})" if self.whole else "0/0"


@dataclass(frozen=True)
class SampleRatio:
    """The evidence of one SampleRatio gate in one step. Answers count only while the route has both versions answer.

    Attributes:
        name: The gate.
        tolerance: `margin` is how far a share may be off.
        weight: The new version's percent while the answers below were given; None before there were any.
        candidate: Answers of the new version.
        stable: Answers of stable.
        alone: Whether the route lets one version answer everything.
    """

    name: str
    tolerance: Tolerance
    weight: int | None = None
    candidate: int = 0
    stable: int = 0
    alone: bool = False

    def observe(self, *, candidate: Sample, stable: Sample) -> "SampleRatio":
        """See GateEvidence."""
        if candidate.weight is None or stable.weight is None:
            return self
        if candidate.weight == 0 or stable.weight == 0:
            return replace(self, alone=True)
        before = self if self.weight in {None, candidate.weight} else SampleRatio(self.name, self.tolerance)
        return replace(
            before,
            weight=candidate.weight,
            candidate=before.candidate + candidate.answers.trials,
            stable=before.stable + stable.answers.trials,
            alone=False,
        )

    def next_step(self, *, keep_stable: bool) -> "SampleRatio":
        """See GateEvidence; shares of another weight say nothing of this one."""
        del keep_stable
        return SampleRatio(self.name, self.tolerance)

    def judge(self) -> Judgement:
        """See GateEvidence; never Fail: what is lost on the way is not the version's doing."""
        whole = self.candidate + self.stable
        new, old = Part(self.candidate, whole), Part(self.stable, whole)
        verdict, message = self._verdict()
        margin = self.tolerance.margin
        bound = f"within {margin:.2%} of {self.weight} %" if self.weight is not None else ""
        return Judgement(verdict, new, old, -margin, margin, message, bound)

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence."""
        return False

    def _verdict(self) -> tuple[Verdict, str]:
        if self.alone:
            return Verdict.PASS, "one version has all the traffic: there are no shares to compare"
        if self.weight is None:
            return Verdict.INCONCLUSIVE, "the gateway has not followed the route for long enough"
        weights = {CANDIDATE: self.weight, STABLE: 100 - self.weight}
        allotment = Allotment(weights, self.tolerance.margin, self.tolerance.min_samples, self.tolerance.step_alpha)
        found = judge_shares({CANDIDATE: self.candidate, STABLE: self.stable}, allotment)
        return found.verdict, found.message
