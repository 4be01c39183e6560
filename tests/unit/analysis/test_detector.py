"""The detector rings for good reasons only, at any time, and does not forget to after a long healthy past."""

from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.counts import Count
from shipway.analysis.detector import ALTERNATIVES, BLOCK, STAKES, Detector
from shipway.analysis.samples import divergence

BATCHES = st.lists(st.integers(0, 30).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n))), max_size=30)


def brute_force(batches: list[Count], bound: float, stakes: tuple[float, ...]) -> float:
    """Every start, every alternative, one by one: what the recursion must equal."""
    total = 0.0
    before = 0
    starts: list[tuple[int, float]] = []
    for number, batch in enumerate(batches):
        after = before + batch.trials
        blocks = [j for j in range(2000) if before <= j * BLOCK < after]
        weight = sum(19.2 / ((j + 48) * (j + 49)) + (0.6 if j == 0 else 0.0) for j in blocks)
        starts.append((number, weight))
        before = after
    for part, stake in zip(ALTERNATIVES, stakes, strict=True):
        p1 = bound + part * (1 - bound)
        for number, weight in starts:
            product = 1.0
            for batch in batches[number:]:
                misses = batch.trials - batch.hits
                product *= (p1 / bound) ** batch.hits * ((1 - p1) / (1 - bound)) ** misses
            total += stake * weight * product
    return total


@pytest.mark.parametrize("stakes", [STAKES, ()], ids=["staked", "even"])
@given(batches=BATCHES, bound=st.floats(0.005, 0.6))
def test_the_recursion_is_the_mixture_over_all_starts(batches: list[Count], bound: float, stakes: tuple[float, ...]):
    detector = Detector(stakes=stakes)
    for batch in batches:
        detector = detector.observe(batch, bound)
    expected = brute_force(batches, bound, stakes or (1 / len(ALTERNATIVES),) * len(ALTERNATIVES))
    if expected == 0:
        assert detector.log_value == -inf
    else:
        assert detector.log_value == pytest.approx(log(expected), abs=1e-6)


def test_all_that_there_is_to_stake_is_staked():
    assert sum(STAKES) == pytest.approx(1)
    assert len(STAKES) == len(ALTERNATIVES)


@given(BATCHES)
def test_the_weights_of_all_starts_never_exceed_one(batches: list[Count]):
    impossible = 1 - 1e-9
    detector = Detector()
    for batch in batches:
        detector = detector.observe(Count(batch.trials, 0), impossible)
    assert detector.log_value <= 1e-9


def test_nothing_seen_says_nothing():
    assert Detector().observe(Count(), 0.1) == Detector()


@pytest.mark.parametrize(("p", "bound"), [(0.01, 0.02), (0.02, 0.02), (0.3, 0.31)])
def test_a_version_within_the_bound_rings_no_more_often_than_alpha(p: float, bound: float):
    rng, alpha, runs = np.random.default_rng(11), 0.1, 150
    false = 0
    for _ in range(runs):
        detector = Detector(stakes=STAKES)
        for hits in rng.binomial(5, p, size=400):
            detector = detector.observe(Count(5, int(hits)), bound)
            if detector.log_value >= -log(alpha):
                false += 1
                break
    assert false / runs <= alpha


def test_a_long_healthy_past_costs_little():
    def delay(healthy: int) -> int:
        rng, detector = np.random.default_rng(5), Detector(stakes=STAKES)
        for _ in range(healthy):
            detector = detector.observe(Count(1, 0), 0.02)
        for number in range(1, 2000):
            detector = detector.observe(Count(1, int(rng.random() < 0.2)), 0.02)
            if detector.log_value >= -log(0.001):
                return number
        return 2000

    assert delay(3000) <= delay(0) + 70


def test_what_is_bad_from_its_first_answer_on_is_noticed_with_hardly_more_answers_than_a_plain_test_needs():
    rng, bound, worse = np.random.default_rng(6), 0.02, 0.2
    needed, plain = [], -log(0.001) / divergence(worse, bound)
    for _ in range(200):
        detector, seen = Detector(stakes=STAKES), 0
        while detector.log_value < -log(0.001):
            detector, seen = detector.observe(Count(1, int(rng.random() < worse)), bound), seen + 1
        needed.append(seen)
    assert np.mean(needed) <= 1.6 * plain


def test_beginning_anew_after_a_restart_pays_for_no_start_twice():
    healthy = [Count(8, 0)] * 50
    unbroken, restarted = Detector(), Detector()
    for number, batch in enumerate(healthy):
        unbroken = unbroken.observe(batch, 0.02)
        restarted = (Detector(trials=restarted.trials) if number == 25 else restarted).observe(batch, 0.02)
    assert restarted.log_value <= unbroken.log_value
