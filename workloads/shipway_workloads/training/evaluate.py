"""Offline evaluation of a ranker on held-out interactions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from shipway_workloads.training import movielens
from shipway_workloads.training.artifact import Artifact, RowIndex
from shipway_workloads.training.baselines import evaluate_baselines
from shipway_workloads.training.contract import Evaluation
from shipway_workloads.training.movielens import Ints, MovieLens, Split
from shipway_workloads.training.statistics import auc, log_loss

PARTIAL_SLICE = "items-with-rows"


def score(artifact: Artifact, users: Ints, items: Ints) -> npt.NDArray[np.float32]:
    """Probabilities that the users like the items.

    Args:
        artifact: The ranker.
        users: User ids of shape (n,).
        items: Item ids of shape (n,).

    Raises:
        LookupError: A user or an item has no row.
    """
    index = RowIndex(artifact)
    user_rows = torch.tensor([index.user_row(user) for user in users.tolist()])
    item_rows = torch.tensor([index.item_row(item) for item in items.tolist()])
    artifact.model.eval()
    with torch.inference_mode():
        probabilities: npt.NDArray[np.float32] = torch.sigmoid(artifact.model(user_rows, item_rows)).numpy()
    return probabilities


def evaluate(artifact: Artifact, data: MovieLens, split: Split) -> list[Evaluation]:
    """AUC and log loss on the held-out part.

    Interactions whose item has no row cannot be scored and are left out; the numbers then carry a slice that says so.
    """
    held_out = data.held_out(split)
    index = RowIndex(artifact)
    with_row = np.fromiter((index.has_item_row(i) for i in data.item.tolist()), dtype=np.bool_, count=len(data.item))
    scored = held_out & with_row
    part = "" if scored.sum() == held_out.sum() else PARTIAL_SLICE
    labels = data.label[scored]
    probabilities = score(artifact, data.user[scored], data.item[scored])
    dataset = f"{movielens.NAME}/{split}"
    return [
        Evaluation(name="auc", value=auc(labels, probabilities), dataset=dataset, slice=part),
        Evaluation(name="logLoss", value=log_loss(labels, probabilities), dataset=dataset, slice=part),
    ]


def baselines(data: MovieLens, split: Split) -> list[Evaluation]:
    """The AUC of what the ranker has to beat, named `baselineAuc.NAME`."""
    dataset = f"{movielens.NAME}/{split}"
    return [
        Evaluation(name=f"baselineAuc.{name}", value=value, dataset=dataset)
        for name, value in evaluate_baselines(data, data.held_out(split)).items()
    ]
