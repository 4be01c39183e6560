"""What a ranker has to beat: four scores that anyone gets from counting, and one that is fitted.

All learn from the training part alone and score the held-out part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shipway_workloads.training.movielens import Ints, Mask, MovieLens
from shipway_workloads.training.statistics import auc

PRIOR_SAMPLES = 5.0
FIT_ROUNDS = 20

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Part:
    user: Ints
    item: Ints
    label: Scores


def evaluate_baselines(data: MovieLens, held_out: Mask) -> Mapping[str, float]:
    """AUC of each baseline on the held-out part, by name, the best of the counted ones first."""
    train, test = _part(data, ~held_out), _part(data, held_out)
    return {name: auc(test.label, score(train, test)) for name, score in _BASELINES.items()}


def _part(data: MovieLens, mask: Mask) -> _Part:
    return _Part(data.user[mask], data.item[mask], data.label[mask].astype(np.float64))


def _user_plus_item_mean(train: _Part, test: _Part) -> Scores:
    return _user_mean(train, test) + _item_mean(train, test)


def _item_mean(train: _Part, test: _Part) -> Scores:
    return _shrunk_mean(train.item, train.label)(test.item)


def _user_mean(train: _Part, test: _Part) -> Scores:
    return _shrunk_mean(train.user, train.label)(test.user)


def _popularity(train: _Part, test: _Part) -> Scores:
    return _counted(train.item, test.item).astype(np.float64)


def _joint_bias(train: _Part, test: _Part) -> Scores:
    """User and item biases fitted together by alternating ridge regression; stronger than the sum of two means."""
    size_u = 1 + int(max(train.user.max(), test.user.max()))
    size_i = 1 + int(max(train.item.max(), test.item.max()))
    users, items = np.zeros(size_u), np.zeros(size_i)
    weight_u = np.bincount(train.user, minlength=size_u) + PRIOR_SAMPLES
    weight_i = np.bincount(train.item, minlength=size_i) + PRIOR_SAMPLES
    residual = train.label - train.label.mean()
    for _ in range(FIT_ROUNDS):
        items = np.bincount(train.item, residual - users[train.user], size_i) / weight_i
        users = np.bincount(train.user, residual - items[train.item], size_u) / weight_u
    scores: Scores = users[test.user] + items[test.item]
    return scores


def _shrunk_mean(ids: Ints, labels: Scores) -> Callable[[Ints], Scores]:
    """Mean label by id, drawn to the overall mean as if five average samples had been seen."""

    def of(wanted: Ints) -> Scores:
        size = 1 + int(max(ids.max(), wanted.max()))
        total = np.bincount(ids, labels, size) + PRIOR_SAMPLES * labels.mean()
        means: Scores = total / (np.bincount(ids, minlength=size) + PRIOR_SAMPLES)
        return means[wanted]

    return of


def _counted(ids: Ints, wanted: Ints) -> Ints:
    size = 1 + int(max(ids.max(), wanted.max()))
    return np.bincount(ids, minlength=size)[wanted]


_BASELINES: Mapping[str, Callable[[_Part, _Part], Scores]] = {
    "userItemBias": _user_plus_item_mean,
    "itemMean": _item_mean,
    "userMean": _user_mean,
    "popularity": _popularity,
    "userItemBiasFitted": _joint_bias,
}
