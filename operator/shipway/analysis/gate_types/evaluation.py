"""Evaluation: how good both versions were when they were published. No test: the numbers are what they are."""

from dataclasses import dataclass

from shipway.analysis.answers import Told
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class Evaluation:
    """What is allowed.

    Attributes:
        higher_is_better: Whether less is worse.
        margin: How much worse than stable's number the new version's may be.
        limit: The last number that is good, whatever stable's is; None where there is no such number.
    """

    higher_is_better: bool
    margin: float
    limit: float | None = None

    def judge(self, candidate: float, stable: float | None) -> Judgement:
        """The verdict.

        Args:
            candidate: The new version's number.
            stable: Stable's; None where it has none, and only the limit is asked.
        """
        loss = None if stable is None else self._worse_by(candidate, than=stable)
        verdict, message = self._verdict(candidate, loss)
        bound = "" if loss is None else f"{loss:+.6g} worse than stable"
        known = 0.0 if loss is None else loss
        told = None if stable is None else _told(stable)
        return Judgement(verdict, _told(candidate), told, known, known, message, bound)

    def _verdict(self, candidate: float, loss: float | None) -> tuple[Verdict, str]:
        if self.limit is not None and self._worse_by(candidate, than=self.limit) > 0:
            return Verdict.FAIL, f"{self._least} {self.limit:.6g} is allowed"
        if loss is None:
            return Verdict.PASS, f"{self._least} {self.limit:.6g} is allowed; stable has no such number"
        if loss > self.margin + _rounding(candidate):
            return Verdict.FAIL, f"{loss:.6g} worse than stable; {self.margin:.6g} is allowed"
        return Verdict.PASS, f"{max(loss, 0):.6g} worse than stable; {self.margin:.6g} is allowed"

    def _worse_by(self, candidate: float, *, than: float) -> float:
        return than - candidate if self.higher_is_better else candidate - than

    @property
    def _least(self) -> str:
        return "at least" if self.higher_is_better else "at most"


def _told(number: float) -> Told:
    return Told(1, f"{number:.6g}")


def _rounding(number: float) -> float:
    """0.83 and 0.82 differ by a hair more than 0.01 in binary."""
    return 1e-9 * max(1.0, abs(number))
