"""What is common to gates that ask somebody, over and over, and count no answers of the versions themselves."""

from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeVar

from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Verdict

A = TypeVar("A")
ERROR_AFTER = 3
"""Questions in a row without an answer that are no accident."""


@dataclass(frozen=True)
class NoAnswer:
    """Nothing that says anything about the version.

    Attributes:
        why: In words; shown to people.
    """

    why: str


class Series(Protocol[A]):
    """The answers to one gate's question in one step."""

    def take(self, answer: A | NoAnswer) -> "Series[A]":
        """The series after one more answer."""
        ...

    def judge(self) -> Judgement:
        """The gate's verdict so far."""
        ...


@dataclass(frozen=True)
class Unanswered:
    """Questions without an answer since the last one that had one."""

    times: int = 0
    why: str = ""

    def after(self, answer: object) -> "Unanswered":
        """After one more question."""
        return Unanswered(self.times + 1, answer.why) if isinstance(answer, NoAnswer) else ANSWERED

    def verdict(self) -> tuple[Verdict, str] | None:
        """What follows from it alone; None when the last question had an answer."""
        if not self.times:
            return None
        return (Verdict.ERROR if self.times >= ERROR_AFTER else Verdict.INCONCLUSIVE), self.why


ANSWERED = Unanswered()
"""The last question had an answer, or there was none yet."""


@dataclass(frozen=True)
class Told:
    """What was told of the new version.

    Attributes:
        trials: Answers so far.
        last: The last one, as it is shown.
    """

    trials: int
    last: str

    def __str__(self) -> str:
        return self.last or "nothing yet"


def judged(verdict: Verdict, message: str, told: Told, *, bound: str = "") -> Judgement:
    """The judgement of a gate that compares the new version with nobody."""
    return Judgement(verdict, told, None, -inf, inf, message, bound)
