"""The interval holds the true proportion at every moment, and is the one its formula says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import betaln, expit, log_expit, logit

from shipway.analysis.confidence import interval
from shipway.analysis.counts import Count

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n)))
ALPHAS = st.floats(1e-5, 0.3)


def log_ratio(odds: float, count: Count) -> float:
    """The mixture against the likelihood of a proportion, given by its log-odds: near 1 it has no other exact name."""
    misses = count.trials - count.hits
    mixture = betaln(0.5 + count.hits, 5 + misses) - betaln(0.5, 5)
    return float(mixture - count.hits * log_expit(odds) - misses * log_expit(-odds))


@given(COUNTS, ALPHAS)
def test_the_edges_are_where_the_mixture_refutes_at_exactly_alpha(count: Count, alpha: float):
    found = interval(count, alpha)
    if 0 < count.hits < count.trials:

        def excess(odds: float) -> float:
            return log_ratio(odds, count) + float(np.log(alpha))

        seen = float(logit(count.share))
        if excess(seen) < 0:
            assert found.lower == pytest.approx(expit(brentq(excess, -800, seen)), abs=1e-6)
            assert found.upper == pytest.approx(expit(brentq(excess, seen, 800)), abs=1e-6)


@given(COUNTS, ALPHAS)
def test_the_share_seen_lies_inside(count: Count, alpha: float):
    found = interval(count, alpha)
    assert 0 <= found.lower <= count.share <= found.upper <= 1


@given(COUNTS, ALPHAS, ALPHAS)
def test_more_certainty_is_wider(count: Count, a: float, b: float):
    sure, unsure = interval(count, min(a, b)), interval(count, max(a, b))
    assert sure.lower <= unsure.lower
    assert sure.upper >= unsure.upper


def test_nothing_seen_excludes_nothing():
    assert (interval(Count(), 0.01).lower, interval(Count(), 0.01).upper) == (0, 1)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0])
def test_an_alpha_that_is_no_probability_is_refused(alpha: float):
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        interval(Count(1, 0), alpha)


@pytest.mark.parametrize("p", [0.002, 0.01, 0.05, 0.3])
def test_looking_after_every_answer_misses_the_truth_no_more_often_than_alpha(p: float):
    rng, alpha, runs = np.random.default_rng(7), 0.05, 2000
    trials = np.arange(1, 2001)
    hits = rng.binomial(1, p, size=(runs, trials.size)).cumsum(axis=1)
    mixture = betaln(0.5 + hits, 5 + trials - hits) - betaln(0.5, 5)
    excluded = mixture - hits * np.log(p) - (trials - hits) * np.log1p(-p) >= -np.log(alpha)
    missed = excluded.any(axis=1).mean()
    assert missed <= alpha
