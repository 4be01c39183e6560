"""How good a ranking is: area under the ROC curve and logarithmic loss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PROBABILITY_FLOOR = 1e-7


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Probability that a random positive scores above a random negative, ties counting half (Mann-Whitney U).

    Args:
        labels: 0 or 1, shape (n,).
        scores: Any scale, shape (n,).

    Raises:
        ValueError: There is no positive or no negative.
    """
    positive = np.asarray(labels) > 0.5
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        raise ValueError(f"AUC needs both classes, got {positives} positives and {negatives} negatives")
    _, place, count = np.unique(np.asarray(scores), return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(count) - (count - 1) / 2
    wins = middle_rank[place][positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def log_loss(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Mean negative log likelihood in nats; probabilities are kept 1e-7 away from 0 and 1."""
    y = np.asarray(labels, dtype=np.float64)
    p = np.clip(np.asarray(probabilities, dtype=np.float64), PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
