"""Predictions are counted in bins that are as fine at the ends as in the middle."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway_workloads.serving.scores import INNER_BINS, NO_NUMBER, ScoreHistogram, bin_of


@given(st.floats(-7.99, 7.99), st.floats(-7.99, 7.99))
def test_the_bins_are_in_the_order_of_the_predictions(a: float, b: float):
    low, high = sorted((a, b))
    assert bin_of(1 / (1 + math.exp(-low))) <= bin_of(1 / (1 + math.exp(-high)))


@pytest.mark.parametrize("logit", [-7.9, -4.05, 0.01, 3.3, 7.9])
def test_a_bin_is_an_eighth_of_a_logit_wide(logit: float):
    here, above = (bin_of(1 / (1 + math.exp(-value))) for value in (logit, logit + 0.125))
    assert above == here + 1


@pytest.mark.parametrize(
    ("score", "place"),
    [
        (0.0, 0),
        (-1.0, 0),
        (1e-9, 0),
        (1.0, INNER_BINS + 1),
        (7.0, INNER_BINS + 1),
        (math.inf, INNER_BINS + 1),
        (math.nan, NO_NUMBER),
    ],
)
def test_what_is_beyond_has_a_bin_too(score: float, place: int):
    assert bin_of(score) == place


@given(st.lists(st.floats(0, 1), max_size=20))
def test_every_prediction_is_counted_once(scores: list[float]):
    histogram = ScoreHistogram()
    histogram.observe(scores)
    assert sum(histogram.counts) == len(scores)
