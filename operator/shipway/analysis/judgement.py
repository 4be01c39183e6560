"""What a test says: a verdict with the numbers it rests on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from shipway.api.v1alpha1.gates import Verdict

SEVERITY = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.NO_EVIDENCE_OF_HARM, Verdict.PASS)
"""Worst first: harm that was shown stays shown when another test cannot count."""

CANDIDATE, STABLE = "the new version", "stable"
"""What the two are called in messages."""


class Tally(Protocol):
    """What was seen of one version; its text is shown to people."""

    @property
    def trials(self) -> int:
        """Answers, or labels, that were counted."""
        ...


@dataclass(frozen=True)
class Judgement:
    """A verdict with the numbers it rests on."""

    verdict: Verdict
    candidate: Tally
    stable: Tally | None
    """None where the new version is compared with nobody."""
    lower: float
    """Lower bound of candidate minus stable, or of the distance between them."""
    upper: float
    """Upper bound of the same."""
    message: str
    bound: str
    """Both bounds in words, in the unit of what is compared."""


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """The judgement that decides where all must agree; the first of equals.

    Raises:
        ValueError: There is none.
    """
    return min(judgements, key=lambda judgement: SEVERITY.index(judgement.verdict))
