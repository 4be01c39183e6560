"""The true quantile lies between the seconds named, however often one looks."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.quantiles import quantile_interval

BUCKETS = Buckets(0.001, 1.25, 40)


def histogram(seconds: np.ndarray) -> Histogram:
    bounds = [BUCKETS.bound(index) for index in range(BUCKETS.size - 1)]
    counts = np.bincount(np.searchsorted(bounds, seconds), minlength=BUCKETS.size)
    return Histogram(BUCKETS, tuple(map(int, counts)))


@given(st.lists(st.integers(0, 1000), min_size=40, max_size=40), st.floats(0.01, 0.99), st.floats(1e-4, 0.2))
def test_the_quantile_seen_lies_inside(counts: list[int], q: float, alpha: float):
    seen = Histogram(BUCKETS, tuple(counts))
    found = quantile_interval(seen, q, alpha)
    assert 0 <= found.lower < found.upper
    if seen.total:
        assert found.lower < BUCKETS.bound(seen.quantile(q)) <= found.upper


def test_nothing_seen_excludes_nothing():
    found = quantile_interval(Histogram(BUCKETS, (0,) * 40), 0.5, 0.01)
    assert (found.lower, found.upper) == (0, inf)
    assert str(found) == "over 0 s"


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_looking_after_every_batch_misses_the_true_quantile_no_more_often_than_alpha(q: float):
    rng, alpha, runs, missed = np.random.default_rng(2), 0.1, 20, 0
    truth = float(-0.02 * np.log1p(-q))
    for _ in range(runs):
        seen, inside = Histogram(BUCKETS, (0,) * 40), True
        for _ in range(10):
            seen += histogram(rng.exponential(0.02, 50))
            found = quantile_interval(seen, q, alpha)
            inside &= found.lower <= truth <= found.upper
        missed += not inside
    assert missed / runs <= alpha


def test_it_is_told_in_seconds():
    seen = histogram(np.random.default_rng(1).exponential(0.02, 20_000))
    assert str(quantile_interval(seen, 0.5, 0.01)) == "0.0116 to 0.0182 s"


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_a_quantile_that_is_none_is_refused(q: float):
    with pytest.raises(ValueError, match="a quantile must lie between 0 and 1"):
        quantile_interval(Histogram(BUCKETS, (0,) * 40), q, 0.01)
