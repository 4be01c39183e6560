"""PredictionShift: how far the new version's predictions are distributed from stable's."""

from dataclasses import dataclass, replace
from math import inf

from shipway.analysis.bins import Bins
from shipway.analysis.judgement import Judgement
from shipway.analysis.sample import Sample
from shipway.analysis.shift import Shift
from shipway.analysis.silence import NOBODY, Silence
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class PredictionShift:
    """The evidence of one PredictionShift gate in one step.

    Attributes:
        name: The gate.
        shift: What was predicted, and the test.
        compared: Whether stable has traffic in this step. Without, a change of the traffic could not be told from one
            of the version, and nothing is counted.
        silence: Who answers without a prediction.
    """

    name: str
    shift: Shift
    compared: bool = True
    silence: Silence = NOBODY

    def observe(self, *, candidate: Sample, stable: Sample) -> "PredictionShift":
        """See GateEvidence."""
        if not self.compared:
            return self
        new, old = candidate.scores, stable.scores
        if new and old and not new.is_like(old):
            return replace(self, shift=replace(self.shift, problem="predictions are counted in different bins"))
        return replace(
            self,
            shift=self.shift.observe(candidate=new.bins if new else None, stable=old.bins if old else None),
            silence=self.silence.observe(
                candidate.answers, stable.answers, heard=(_predicts(candidate), _predicts(stable))
            ),
        )

    def next_step(self, *, keep_stable: bool) -> "PredictionShift":
        """See GateEvidence; the groups stay, for they were made before anything of the step was counted."""
        return replace(self, shift=self.shift.anew(), compared=not keep_stable, silence=NOBODY)

    def judge(self) -> Judgement:
        """See GateEvidence."""
        if not self.compared:
            return _told(Verdict.NO_EVIDENCE_OF_HARM, "stable predicts nothing now: there is nothing to compare with")
        if version := self.silence.of_whom:
            return _told(Verdict.ERROR, f"the predictor of {version} answers without counting its predictions")
        return self.shift.judge()

    @property
    def stable_suffers_too(self) -> bool:
        """See GateEvidence; what both versions see is no evidence in the first place."""
        return False


def _predicts(sample: Sample) -> bool:
    return sample.scores is not None and sample.scores.bins.trials > 0


def _told(verdict: Verdict, message: str) -> Judgement:
    nothing = Bins(())
    return Judgement(verdict, nothing, nothing, 0.0, inf, message, "")
