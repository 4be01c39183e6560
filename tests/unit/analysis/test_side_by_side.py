"""Both versions' answers side by side: no bet wins on versions within the margin, and small harm adds up over steps."""

from math import comb, exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.bins import Bins
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.distances import Distance
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.analysis.side_by_side import GAPS, log_e_values
from shipway.analysis.two_samples import log_e_value
from shipway.api.v1alpha1.gates import Verdict

SHARE = st.floats(0.0, 1.0)
KNOWN = st.integers(0, 500).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n)))
TOLERANCE = Tolerance(margin=0.0025, min_samples=30, alpha=0.001)
PLAN = ((5, 60), (25, 120), (50, 180))
"""Percent and seconds of each step."""


def averages(new: float, old: float, *, trials: tuple[int, int], known: Count, margin: float) -> list[float]:
    """Every e-value's mean, exactly, when the versions fail with these probabilities."""
    ours, theirs = trials
    means = [0.0] * len(GAPS)
    for x in range(ours + 1):
        for y in range(theirs + 1):
            chance = _binomial(x, ours, new) * _binomial(y, theirs, old)
            logs = log_e_values(candidate=Count(ours, x), stable=Count(theirs, y), known=known, margin=margin)
            means = [mean + chance * exp(log) for mean, log in zip(means, logs, strict=True)]
    return means


def _binomial(hits: int, trials: int, share: float) -> float:
    return comb(trials, hits) * share**hits * (1 - share) ** (trials - hits)


@given(SHARE, SHARE, st.tuples(st.integers(1, 6), st.integers(1, 12)), KNOWN, st.floats(0, 0.5))
def test_versions_within_the_margin_yield_at_most_one_on_average(
    new: float, old: float, trials: tuple[int, int], known: Count, margin: float
):
    within = min(new, old + margin)
    assert max(averages(within, old, trials=trials, known=known, margin=margin)) <= 1 + 1e-9


@given(SHARE, st.tuples(st.integers(1, 6), st.integers(1, 12)), KNOWN)
def test_equals_without_a_margin_are_a_fair_game_or_worse_and_a_margin_never_helps_the_accuser(
    share: float, trials: tuple[int, int], known: Count
):
    fair = averages(share, share, trials=trials, known=known, margin=0)
    dearer = averages(share, share, trials=trials, known=known, margin=0.05)
    assert max(fair) <= 1 + 1e-9
    assert all(b <= a for a, b in zip(fair, dearer, strict=True))


@given(KNOWN, KNOWN, KNOWN, st.floats(0, 0.5))
def test_it_is_the_e_value_of_two_samples_of_answers_that_hit_and_that_do_not(
    candidate: Count, stable: Count, known: Count, margin: float
):
    old = max((known + Count(50, 1)).share, 1e-4)
    general = [
        log_e_value(
            candidate=Bins((candidate.trials - candidate.hits, candidate.hits)),
            stable=Bins((stable.trials - stable.hits, stable.hits)),
            new=(1 - new, new),
            old=(1 - old, old),
            distance=Distance.KOLMOGOROV_SMIRNOV,
            margin=margin,
        )
        for new in (old + gap * (1 - old) for gap in GAPS)
    ]
    found = log_e_values(candidate=candidate, stable=stable, known=known, margin=margin)
    assert found == pytest.approx(general, rel=1e-9, abs=1e-9)


def test_one_version_alone_is_no_evidence():
    for candidate, stable in ((Count(9, 9), NOTHING), (NOTHING, Count(9, 0))):
        assert set(log_e_values(candidate=candidate, stable=stable, known=NOTHING, margin=0.01)) == {0.0}


def test_a_failing_version_beside_a_good_one_wins_every_bet_but_the_price_of_its_margin_grows():
    free, dear = (
        log_e_values(candidate=Count(20, 10), stable=Count(180, 0), known=Count(500, 0), margin=margin)
        for margin in (0.0, 0.2)
    )
    assert min(free) > 0
    assert all(a > b for a, b in zip(free, dear, strict=True))


def ends(new: float, old: float, *, seed: int, drift: float = 0.0) -> int:
    """The weight at which a release by PLAN is taken back, 100 if it is not; `drift` adds to both at half of it."""
    rng = np.random.default_rng(seed)
    comparison = Comparison.begin(TOLERANCE, PROPORTION)
    for weight, seconds in PLAN:
        comparison = comparison.next_step(keep_stable=False)
        more = drift if weight == PLAN[-1][0] else 0.0
        for _ in range(seconds):
            comparison = comparison.observe(
                candidate=_drawn(rng, weight, new + more), stable=_drawn(rng, 100 - weight, old + more)
            )
            if comparison.side_by_side.log_value >= np.log(1 / TOLERANCE.side_by_side_alpha):
                return weight
    return 100


def _drawn(rng: np.random.Generator, rate: float, share: float) -> Count:
    trials = int(rng.poisson(rate))
    return Count(trials, int(rng.binomial(trials, share)))


def test_one_more_error_in_a_hundred_is_found_before_the_version_has_all_the_traffic():
    caught = sum(ends(0.015, 0.005, seed=seed) < 100 for seed in range(40))
    assert caught >= 38


@pytest.mark.parametrize("drift", [0.0, 0.2])
def test_equals_are_left_alone_even_when_harder_requests_come_at_a_larger_weight(drift: float):
    assert all(ends(0.01, 0.01, seed=seed, drift=drift) == 100 for seed in range(20))


def test_a_margin_of_difference_is_left_alone():
    assert sum(ends(0.0075, 0.005, seed=seed) < 100 for seed in range(20)) == 0


def test_what_was_told_apart_stays_told_in_the_next_step():
    comparison = Comparison.begin(TOLERANCE, PROPORTION)
    for _ in range(60):
        comparison = comparison.observe(candidate=Count(50, 2), stable=Count(50, 0))
    following = comparison.next_step(keep_stable=False)
    assert following.candidate == NOTHING
    assert following.judge().verdict is Verdict.FAIL
    assert "in the same seconds" in following.judge().message


def test_a_burst_of_stables_counts_for_the_new_version_only():
    comparison = Comparison.begin(TOLERANCE, PROPORTION)
    for _ in range(100):
        comparison = comparison.observe(candidate=Count(10, 0), stable=Count(90, 0))
    before = comparison.side_by_side.log_value
    stalled = comparison.observe(candidate=Count(10, 9), stable=Count(90, 30))
    assert stalled.side_by_side.log_value <= before + 1e-9
