"""Labels that come late, summed up by cohort: the predictions that one version made within one minute.

Sums and not pairs, so that they merge over replicas by addition and their size does not depend on the traffic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from typing import Any

from shipway_workloads.serving.prediction_id import Answer

COHORT_SECONDS = 60
KEPT_SECONDS = 3600 + 2 * COHORT_SECONDS
"""How long a cohort is told: the longest window of a gate, and a little more so that it is read in time."""
MAX_VERSIONS = 4
CLIP = 1e-4
"""A prediction counts as at least this far from 0 and 1, so that the loss of one answer has a bound."""


@dataclass
class Cohort:
    """One version's predictions of one minute. Losses are in nats.

    Attributes:
        predictions: How many this replica made.
        labelled: Those whose label has come to this replica, which may be others.
    """

    predictions: int = 0
    labelled: int = 0
    positives: int = 0
    predicted: float = 0.0
    predicted_squares: float = 0.0
    predicted_of_positives: float = 0.0
    loss: float = 0.0
    loss_squares: float = 0.0
    loss_of_positives: float = 0.0

    def label(self, prediction: float, *, positive: bool) -> None:
        """Counts the label of one prediction."""
        p = min(max(prediction, CLIP), 1 - CLIP)
        loss = -math.log(p) if positive else -math.log1p(-p)
        self.labelled += 1
        self.positives += positive
        self.predicted += p
        self.predicted_squares += p * p
        self.predicted_of_positives += p * positive
        self.loss += loss
        self.loss_squares += loss * loss
        self.loss_of_positives += loss * positive


@dataclass
class LateLabels:
    """The cohorts of every version whose labels come here.

    Attributes:
        clock: Seconds since the epoch.
        cohorts: By version and by when the cohort ended.
    """

    clock: Callable[[], float]
    cohorts: dict[str, dict[int, Cohort]] = field(default_factory=dict)

    def predicted(self, answer: Answer) -> None:
        """Counts the predictions of an answer, whose labels are waited for."""
        self._cohort(answer).predictions += len(answer.predictions)

    def check(self, answer: Answer, instance: int) -> None:
        """Whether there can be such a label.

        Raises:
            ValueError: The answer has no such prediction, or is of a time to come.
        """
        if not 0 <= instance < len(answer.predictions):
            raise ValueError(f"instance {instance} of an answer with {len(answer.predictions)} predictions")
        if answer.at > self.clock() + COHORT_SECONDS:
            raise ValueError("an id of a time to come")

    def label(self, answer: Answer, instance: int, *, positive: bool) -> bool:
        """Counts the label of one prediction; False where it comes too late, or for a version too many."""
        now = self.clock()
        self._forget(now)
        known = answer.version in self.cohorts or len(self.cohorts) < MAX_VERSIONS
        if not known or _end(answer.at) <= now - KEPT_SECONDS:
            return False
        self._cohort(answer).label(answer.predictions[instance], positive=positive)
        return True

    def to_json(self) -> dict[str, Any]:
        """As `/counters` tells them: the end of each cohort, then its sums in the order of the attributes."""
        self._forget(self.clock())
        versions = {
            version: [[end, *astuple(cohort)] for end, cohort in sorted(cohorts.items())]
            for version, cohorts in self.cohorts.items()
        }
        return {"cohortSeconds": COHORT_SECONDS, "versions": versions}

    def _cohort(self, answer: Answer) -> Cohort:
        return self.cohorts.setdefault(answer.version, {}).setdefault(_end(answer.at), Cohort())

    def _forget(self, now: float) -> None:
        for version, cohorts in list(self.cohorts.items()):
            for end in [end for end in cohorts if end <= now - KEPT_SECONDS]:
                del cohorts[end]
            if not cohorts:
                del self.cohorts[version]


def _end(at: int) -> int:
    return (at // COHORT_SECONDS + 1) * COHORT_SECONDS
