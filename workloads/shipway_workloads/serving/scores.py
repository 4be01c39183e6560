"""Predictions counted in fine bins, so that a release can tell whether a new version predicts differently."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

FIRST_LOGIT = -8.0
"""A probability of 0.03 percent."""
BINS_PER_LOGIT = 8
INNER_BINS = 128
SCALE = "logit-8-8-128"
"""Names the bins: counts of another scale cannot be compared with these."""
NO_NUMBER = INNER_BINS + 2


@dataclass
class ScoreHistogram:
    """Probabilities by their logit: as fine near 0 and near 1 as in the middle.

    Attributes:
        counts: One count a bin, in order. The first and the last but one take what is beyond, the last what is no
            number.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (NO_NUMBER + 1))

    def observe(self, scores: Iterable[float]) -> None:
        """Counts the predictions of one request."""
        for score in scores:
            self.counts[bin_of(score)] += 1


def bin_of(score: float) -> int:
    """The bin of a probability; what is below 0 or above 1 counts as that."""
    if math.isnan(score):
        return NO_NUMBER
    if score <= 0:
        return 0
    if score >= 1:
        return INNER_BINS + 1
    place = math.floor((math.log(score) - math.log1p(-score) - FIRST_LOGIT) * BINS_PER_LOGIT) + 1
    return min(max(place, 0), INNER_BINS + 1)
