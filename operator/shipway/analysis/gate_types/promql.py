"""PromQL: a limit for a number that Prometheus tells. A threshold, and no test: it knows of no alpha and no chance."""

from dataclasses import dataclass, replace
from typing import Literal

from shipway.analysis.answers import ANSWERED, NoAnswer, Told, Unanswered, judged
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class Limit:
    """What is good, and how often it has to be.

    Attributes:
        number: The last number that is good, in the unit of the query.
        worse: On which side of it a number is bad.
        failures: Bad measurements in a row that are a Fail.
        measurements: Good ones before NoEvidenceOfHarm may be said.
    """

    number: float
    worse: Literal["Above", "Below"]
    failures: int
    measurements: int

    def is_passed_by(self, value: float) -> bool:
        """Whether a value is bad."""
        return value > self.number if self.worse == "Above" else value < self.number

    def __str__(self) -> str:
        return f"{'at most' if self.worse == 'Above' else 'at least'} {self.number:.6g}"


@dataclass(frozen=True)
class PromQL:
    """The measurements of one PromQL gate in one step.

    Attributes:
        limit: What is good.
        value: The last measurement; None before the first.
        good: Measurements within the limit.
        bad: Measurements beyond it since the last good one; a question without an answer is no measurement.
        taken: All measurements.
        unanswered: Questions in a row without one.
    """

    limit: Limit
    value: float | None = None
    good: int = 0
    bad: int = 0
    taken: int = 0
    unanswered: Unanswered = ANSWERED

    def take(self, answer: float | NoAnswer) -> "PromQL":
        """See Series."""
        seen = replace(self, unanswered=self.unanswered.after(answer))
        if isinstance(answer, NoAnswer):
            return seen
        measured = replace(seen, value=answer, taken=self.taken + 1)
        if self.limit.is_passed_by(answer):
            return replace(measured, bad=self.bad + 1)
        return replace(measured, good=self.good + 1, bad=0)

    def judge(self) -> Judgement:
        """See Series."""
        verdict, message = self._verdict()
        told = Told(self.taken, "" if self.value is None else f"{self.value:.6g}")
        return judged(verdict, message, told, bound=str(self.limit))

    def _verdict(self) -> tuple[Verdict, str]:
        limit = self.limit
        if self.bad >= limit.failures:
            return Verdict.FAIL, f"{limit} is allowed; {self.bad} measurements in a row were worse"
        if found := self.unanswered.verdict():
            return found
        if self.bad:
            return Verdict.INCONCLUSIVE, f"{limit} is allowed; {limit.failures} bad measurements in a row are a Fail"
        if self.good < limit.measurements:
            return Verdict.INCONCLUSIVE, f"{self.good} of {limit.measurements} good measurements seen"
        return Verdict.NO_EVIDENCE_OF_HARM, f"{limit} in {self.good} measurements"
