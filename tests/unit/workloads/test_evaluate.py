"""Offline evaluation says what it left out."""

import numpy as np
import pytest

from shipway_workloads.training import evaluate
from shipway_workloads.training.artifact import Artifact
from shipway_workloads.training.evaluate import PARTIAL_SLICE
from shipway_workloads.training.movielens import Items, MovieLens, Split, Users
from shipway_workloads.training.statistics import auc, log_loss
from small_ranker import ITEMS, USERS, small_ranker


def tiny() -> MovieLens:
    """Each user meets each item twice and likes every other one."""
    user = np.repeat(USERS, 2 * len(ITEMS))
    item = np.tile(np.tile(ITEMS, 2), len(USERS))
    label = (np.arange(len(user)) % 2).astype(np.float32)
    nothing = np.zeros(0, dtype=np.int64)
    return MovieLens(
        user=user,
        item=item,
        label=label,
        time=np.arange(len(user)),
        users=Users(ids=np.asarray(USERS), age=nothing, gender=[], occupation=[], zip_code=[]),
        items=Items(ids=np.asarray(ITEMS), year=nothing, genre_names=[], genres=np.zeros((0, 0), dtype=np.float32)),
        digest="sha256:" + "0" * 64,
    )


def expected(ranker: Artifact, mask: np.ndarray) -> tuple[float, float]:
    data = tiny()
    scores = evaluate.score(ranker, data.user[mask], data.item[mask])
    return auc(data.label[mask], scores), log_loss(data.label[mask], scores)


def test_it_scores_the_held_out_part():
    auc_entry, loss_entry = evaluate.evaluate(small_ranker(), tiny(), Split.GLOBAL_TIME)
    held_out = tiny().held_out(Split.GLOBAL_TIME)
    assert (auc_entry.value, loss_entry.value) == pytest.approx(expected(small_ranker(), held_out))
    assert (auc_entry.name, loss_entry.name) == ("auc", "logLoss")
    assert {entry.dataset for entry in (auc_entry, loss_entry)} == {"movielens-100k/global-time-20"}
    assert {entry.slice for entry in (auc_entry, loss_entry)} == {""}


def test_items_without_a_row_are_left_out_and_the_numbers_say_so():
    kept = small_ranker().keep_items([11, 12, 13])
    auc_entry, loss_entry = evaluate.evaluate(kept, tiny(), Split.GLOBAL_TIME)
    scored = tiny().held_out(Split.GLOBAL_TIME) & (tiny().item != 10)
    assert scored.sum() < tiny().held_out(Split.GLOBAL_TIME).sum()
    assert (auc_entry.value, loss_entry.value) == pytest.approx(expected(kept, scored))
    assert {entry.slice for entry in (auc_entry, loss_entry)} == {PARTIAL_SLICE}
