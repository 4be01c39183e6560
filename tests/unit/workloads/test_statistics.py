"""AUC and log loss against their definitions, and the baselines against what was measured."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shipway_workloads.training import movielens
from shipway_workloads.training.baselines import evaluate_baselines
from shipway_workloads.training.movielens import Split
from shipway_workloads.training.statistics import auc, log_loss

pairs = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30)


def by_counting(labels: list[bool], scores: list[int]) -> float:
    wins = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p, positive in zip(scores, labels, strict=True)
        if positive
        for n, other in zip(scores, labels, strict=True)
        if not other
    ]
    return sum(wins) / len(wins)


@given(pairs)
def test_auc_is_the_share_of_pairs_in_the_right_order(drawn: list[tuple[bool, int]]):
    labels, scores = [label for label, _ in drawn], [score for _, score in drawn]
    assume(any(labels) and not all(labels))
    assert auc(labels, scores) == pytest.approx(by_counting(labels, scores))


@given(pairs)
def test_auc_of_the_reverse_order_is_the_rest(drawn: list[tuple[bool, int]]):
    labels, scores = [label for label, _ in drawn], [score for _, score in drawn]
    assume(any(labels) and not all(labels))
    assert auc(labels, scores) + auc(labels, [-score for score in scores]) == pytest.approx(1)


def test_one_class_alone_has_no_auc():
    with pytest.raises(ValueError, match="both classes, got 2 positives and 0 negatives"):
        auc([1, 1], [0.1, 0.2])


def test_log_loss_is_the_mean_surprise():
    assert log_loss([1, 0], [0.8, 0.4]) == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)


def test_log_loss_of_a_certain_mistake_is_large_and_finite():
    assert 10 < log_loss([1], [0.0]) < 20


def test_the_baselines_are_as_strong_as_they_are_known_to_be():
    data = movielens.load()
    found = evaluate_baselines(data, data.held_out(Split.USER_TAIL))
    assert found["userItemBias"] == pytest.approx(0.771, abs=0.005)
    assert found["itemMean"] == pytest.approx(0.726, abs=0.005)
    assert found["userMean"] == pytest.approx(0.665, abs=0.005)
    assert found["popularity"] == pytest.approx(0.663, abs=0.005)
    assert found["userItemBiasFitted"] > found["userItemBias"]


def test_a_baseline_learns_nothing_from_the_held_out_part():
    data = movielens.load()
    held_out = data.held_out(Split.USER_TAIL)
    inverted = data.label.copy()
    inverted[held_out] = 1 - inverted[held_out]
    from dataclasses import replace

    honest = evaluate_baselines(data, held_out)
    against = evaluate_baselines(replace(data, label=inverted), held_out)
    for name, value in honest.items():
        assert against[name] == pytest.approx(1 - value), name
    assert np.sum(held_out) == 19_633
