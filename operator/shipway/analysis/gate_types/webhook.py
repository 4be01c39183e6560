"""Webhook: what a Service of the namespace says of the new version."""

from dataclasses import dataclass

from shipway.analysis.answers import ANSWERED, NoAnswer, Told, Unanswered, judged
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class Opinion:
    """One answer: any verdict but Error, with the words to it."""

    verdict: Verdict
    message: str = ""


@dataclass(frozen=True)
class Webhook:
    """The answers to one Webhook gate in one step.

    Attributes:
        opinion: The last one; None before the first.
        taken: All answers.
        unanswered: Questions in a row without one.
    """

    opinion: Opinion | None = None
    taken: int = 0
    unanswered: Unanswered = ANSWERED

    def take(self, answer: Opinion | NoAnswer) -> "Webhook":
        """See Series."""
        unanswered = self.unanswered.after(answer)
        if isinstance(answer, NoAnswer):
            return Webhook(self.opinion, self.taken, unanswered)
        return Webhook(answer, self.taken + 1, unanswered)

    def judge(self) -> Judgement:
        """See Series; harm that was told stays told when the next question has no answer."""
        verdict, message = self._verdict()
        return judged(verdict, message, Told(self.taken, self.opinion.verdict if self.opinion else ""))

    def _verdict(self) -> tuple[Verdict, str]:
        opinion, unanswered = self.opinion, self.unanswered.verdict()
        if unanswered and (opinion is None or opinion.verdict is not Verdict.FAIL):
            return unanswered
        if opinion is None:
            return Verdict.INCONCLUSIVE, "not asked yet"
        return opinion.verdict, opinion.message or f"says {opinion.verdict}"
