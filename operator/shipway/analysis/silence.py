"""Tells a predictor that does not count something from one that had nothing to count."""

from dataclasses import dataclass

from shipway.analysis.counts import Count
from shipway.analysis.judgement import CANDIDATE, STABLE

SILENT_BATCHES = 20
"""Batches with good answers of which nothing was counted, in a row, after which it is no coincidence: five seconds as a
rule."""


@dataclass(frozen=True)
class Silence:
    """Such batches of both versions, up to now.

    Attributes:
        candidate: Of the new version.
        stable: Of stable.
    """

    candidate: int = 0
    stable: int = 0

    def observe(self, candidate: Count, stable: Count, *, heard: tuple[bool, bool]) -> "Silence":
        """After one more batch.

        Args:
            candidate: The new version's answers, and those that failed.
            stable: The same of stable.
            heard: Whether anything was counted of the new version's, and of stable's.
        """
        return Silence(_after(self.candidate, candidate, heard[0]), _after(self.stable, stable, heard[1]))

    @property
    def of_whom(self) -> str:
        """Who answers and does not count; empty when both do."""
        if self.candidate >= SILENT_BATCHES:
            return CANDIDATE
        return STABLE if self.stable >= SILENT_BATCHES else ""


NOBODY = Silence()
"""Nothing seen yet."""


def _after(batches: int, answers: Count, heard: bool) -> int:
    return 0 if heard else batches + (answers.trials > answers.hits)
