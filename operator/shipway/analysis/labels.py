"""Labels that come late: what predictions turned out to be worth, once their time for it is over.

A click comes sooner than the absence of one. Whoever counts what has come so far sees too many positives, and the newer
version has the newer predictions; so a prediction counts when its window has closed, never before. Sums are kept per
cohort: the predictions made in one stretch of time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, log1p

from shipway.analysis.additive import Additive
from shipway.analysis.ratio import Ratio

CLIP = 1e-4
"""A prediction counts as at least this far from 0 and 1, so that the loss of one answer has a bound."""
LOSS_LIMIT = -log(CLIP)


@dataclass(frozen=True)
class Labelled(Additive):
    """Sums over predictions whose label, 0 or 1, is known; predictions are probabilities, losses in nats."""

    trials: int = 0
    positives: int = 0
    predicted: float = 0.0
    predicted_squares: float = 0.0
    predicted_of_positives: float = 0.0
    loss: float = 0.0
    loss_squares: float = 0.0
    loss_of_positives: float = 0.0

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, bool]]) -> "Labelled":
        """The sums of single predictions with their labels."""
        return sum((_one(prediction, label) for prediction, label in pairs), cls())

    @property
    def rate(self) -> float:
        """Positives per label, with half a positive and half a negative added so that it is neither 0 nor 1."""
        return (self.positives + 0.5) / (self.trials + 1)

    @property
    def calibration(self) -> Ratio:
        """Predicted positives to observed ones."""
        return Ratio(
            trials=self.trials,
            top=self.predicted,
            bottom=self.positives,
            top_squares=self.predicted_squares,
            products=self.predicted_of_positives,
            bottom_squares=self.positives,
        )

    def entropy(self, rate: float) -> Ratio:
        """Loss to the loss of who always predicts `rate`: the normalized entropy where `rate` is the true one."""
        of_positive, of_negative = -log(rate), -log1p(-rate)
        negatives = self.trials - self.positives
        return Ratio(
            trials=self.trials,
            top=self.loss,
            bottom=of_positive * self.positives + of_negative * negatives,
            top_squares=self.loss_squares,
            products=of_positive * self.loss_of_positives + of_negative * max(0.0, self.loss - self.loss_of_positives),
            bottom_squares=of_positive**2 * self.positives + of_negative**2 * negatives,
        )


NO_LABELS = Labelled()
"""Nothing seen yet."""


@dataclass(frozen=True)
class Cohort:
    """The predictions of one version in one stretch of time, as counted now.

    Attributes:
        ended_at: When the last was made, in seconds of the clock that `matured` is told.
        answers: How many were made.
        labelled: Those whose label is known.
    """

    ended_at: float
    answers: int
    labelled: Labelled


@dataclass(frozen=True)
class Harvest:
    """What may be counted of a version's cohorts.

    Attributes:
        labelled: The sums of the cohorts that have matured since the last look.
        until: Cohorts that ended by then are counted; where the next look goes on.
        waiting: Predictions whose window is still open.
    """

    labelled: Labelled
    until: float
    waiting: int


def matured(cohorts: Sequence[Cohort], *, since: float, now: float, window: float) -> Harvest:
    """Count the cohorts whose window has closed, each once: a clock that goes back counts none again.

    Args:
        cohorts: One version's.
        since: Up to where cohorts were counted at the last look.
        now: The time.
        window: Seconds from a prediction until its label is final.
    """
    until = max(since, now - window)
    ripe = (cohort.labelled for cohort in cohorts if since < cohort.ended_at <= until)
    waiting = sum(cohort.answers for cohort in cohorts if cohort.ended_at > until)
    return Harvest(sum(ripe, NO_LABELS), until, waiting)


def _one(prediction: float, label: bool) -> Labelled:
    p = min(max(prediction, CLIP), 1 - CLIP)
    loss = -log(p) if label else -log1p(-p)
    return Labelled(1, int(label), p, p * p, p * label, loss, loss * loss, loss * label)
