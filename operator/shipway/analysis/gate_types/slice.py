"""A gate on one slice: its test on the answers to that slice alone, which holds up nothing where they are few."""

from dataclasses import dataclass, replace

from shipway.analysis.evidence import GateEvidence
from shipway.analysis.judgement import CANDIDATE, STABLE, Judgement
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

_UNHEARD = "whether the predictors count slices is known with the next answer of the new version"


@dataclass(frozen=True)
class OfSlice:
    """The evidence of one gate on one slice in one step.

    Attributes:
        test: The gate's test, which asks for no least number of answers.
        slice: Whose answers it sees.
        min_samples: Answers of the new version to this slice below which nothing is said for or against it.
        heard: Whether the new version's predictors have counted slices.
        silent: Whose predictors answer without counting slices; empty where all count.
        left_out: Names of slices that the new version's predictors did not count.
    """

    test: GateEvidence
    slice: str
    min_samples: int
    heard: bool = False
    silent: str = ""
    left_out: int = 0

    @property
    def name(self) -> str:
        """See GateEvidence."""
        return self.test.name

    def observe(self, *, candidate: Sample, stable: Sample) -> "OfSlice":
        """See GateEvidence."""
        return replace(
            self,
            test=self.test.observe(candidate=self._part(candidate), stable=self._part(stable)),
            heard=self.heard or (candidate.slices is not None and candidate.answers.trials > 0),
            silent=self._silent(candidate=candidate, stable=stable),
            left_out=self.left_out + candidate.left_out,
        )

    def next_step(self, *, keep_stable: bool) -> "OfSlice":
        """See GateEvidence; how predictors count does not change with the weight."""
        return replace(self, test=self.test.next_step(keep_stable=keep_stable))

    def judge(self) -> Judgement:
        """See GateEvidence."""
        found = self.test.judge()
        if found.verdict in {Verdict.FAIL, Verdict.ERROR}:
            return found
        verdict, message = self._doubt(found) or (found.verdict, found.message)
        return replace(found, verdict=verdict, message=message)

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence."""
        return self.test.stable_suffers_too

    def _part(self, sample: Sample) -> Sample:
        return (sample.slices or {}).get(self.slice, Sample())

    def _silent(self, *, candidate: Sample, stable: Sample) -> str:
        """Who does not count, as told by whoever answered last."""
        batch = {CANDIDATE: candidate, STABLE: stable}
        if self.silent and not batch[self.silent].answers.trials:
            return self.silent
        mute = (whose for whose, sample in batch.items() if sample.answers.trials and sample.slices is None)
        return next(mute, "")

    def _doubt(self, found: Judgement) -> tuple[Verdict, str] | None:
        """Why the test's own word cannot be taken; None where it can."""
        if self.silent:
            return Verdict.ERROR, (
                f"the predictor of {self.silent} does not count slices; "
                "use one whose /counters have schema 3, or take slices out of the gate"
            )
        if not self.heard:
            return Verdict.INCONCLUSIVE, _UNHEARD
        seen = found.candidate.trials
        if not seen and self.left_out:
            return Verdict.ERROR, (
                f"the predictors have seen too many slices and left out {self.left_out} names, which may be "
                f"{self.slice}; let requests bear fewer names in x-shipway-slice"
            )
        suspected = found.verdict is Verdict.INCONCLUSIVE and seen > 0
        if found.verdict is Verdict.PASS or suspected:
            return None
        return self._too_few(found)

    def _too_few(self, found: Judgement) -> tuple[Verdict, str] | None:
        for tally, whose in ((found.candidate, ""), (found.stable, " by stable")):
            if tally is not None and tally.trials < self.min_samples:
                few = f"{tally.trials} of {self.min_samples}"
                return Verdict.NO_EVIDENCE_OF_HARM, f"too few answers of slice {self.slice}{whose} to tell: {few}"
        return None
