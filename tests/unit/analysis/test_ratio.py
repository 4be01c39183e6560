"""Means and ratios are compared as shares are: seldom blamed when equal, soon when not, sooner the less they vary."""

from itertools import pairwise
from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from shipway.analysis.confidence import Interval
from shipway.analysis.detector import Detector
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.ratio import Ratio, RatioMeasure, log_evidence
from shipway.api.v1alpha1.gates import Verdict

MEAN = RatioMeasure(1.0)
CLICKS = RatioMeasure(top_limit=5.0, bottom_limit=20.0)
VALUES = st.lists(st.integers(0, 1000).map(lambda number: number / 1000), min_size=1, max_size=40)
ALPHAS = st.floats(1e-5, 0.3)


def mean_of(values: np.ndarray | list[float]) -> Ratio:
    return Ratio.of_mean(len(values), float(np.sum(values)), float(np.sum(np.square(values))))


def ratio_of(top: np.ndarray, bottom: np.ndarray) -> Ratio:
    sums = (np.sum(x) for x in (top, bottom, top**2, top * bottom, bottom**2))
    return Ratio(len(top), *map(float, sums))


def opinions(rng: np.random.Generator, size: int, mean: float) -> np.ndarray:
    """Values that vary little, as scores do."""
    return rng.beta(mean * 30, (1 - mean) * 30, size)


def impressions(rng: np.random.Generator, size: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    shown = rng.integers(1, 21, size)
    return np.minimum(rng.binomial(shown, rate), 5), shown


@given(VALUES, ALPHAS, ALPHAS)
def test_the_estimate_lies_inside_and_more_certainty_is_wider(values: list[float], a: float, b: float):
    seen = mean_of(values)
    sure, unsure = MEAN.interval(seen, min(a, b)), MEAN.interval(seen, max(a, b))
    estimate = MEAN.value(seen)
    assert sure.lower <= unsure.lower <= estimate * (1 + 1e-9)
    assert sure.upper >= unsure.upper >= estimate * (1 - 1e-9)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 20)), min_size=1, max_size=30), st.floats(0.01, 3))
def test_what_refutes_a_ratio_refutes_all_beyond_it(pairs: list[tuple[float, float]], ratio: float):
    """The interval is found by halving, which is right only if this holds."""
    top, bottom = (np.array(column) for column in zip(*pairs, strict=True))
    seen = ratio_of(top, bottom)
    extreme = Ratio(seen.trials, seen.top, seen.bottom, 5 * seen.top, 0.0, 20 * seen.bottom)
    for sums, limits in ((seen, (5, 20)), (extreme, (5, 20)), (seen.inverse, (20, 5)), (extreme.inverse, (20, 5))):
        evidence = [log_evidence(sums, larger, *limits) for larger in (ratio, ratio * 1.01, ratio * 2, ratio * 10)]
        assert all(later <= earlier + 1e-6 for earlier, later in pairwise(evidence))


@given(VALUES)
def test_where_less_is_worse_values_bear_a_minus(values: list[float]):
    falling, seen = RatioMeasure(1.0, falling=True), mean_of(values)
    rising, mirrored = MEAN.interval(seen, 0.01), falling.interval(seen, 0.01)
    assert falling.value(seen) == -MEAN.value(seen)
    assert (mirrored.lower, mirrored.upper) == (-rising.upper, -rising.lower)


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize(("p", "bound"), [(0.01, 0.02), (0.3, 0.3), (0.97, 0.98)])
def test_every_alternative_is_at_most_one_on_average(p: float, bound: float, falling: bool):
    """For values of 0 and 1 with the worst mean that is allowed, exactly."""
    measure = RatioMeasure(1.0, falling=falling)
    limit, mean = (-p, bound) if falling else (bound, p)
    none, one = (np.exp(measure.log_ratios(mean_of([x]), limit)) for x in (0.0, 1.0))
    assert np.all((1 - mean) * none + mean * one <= 1 + 1e-9)


def test_no_ratio_is_above_a_bound_without_end_or_below_nothing():
    seen = mean_of([0.5, 0.6])
    assert set(MEAN.log_ratios(seen, inf)) == {0.0}
    assert set(RatioMeasure(1.0, falling=True).log_ratios(seen, 0.0)) == {0.0}
    assert max(MEAN.log_ratios(seen, -1.0)) > 10


def test_nothing_below_the_line_excludes_nothing():
    assert CLICKS.interval(Ratio(trials=3), 0.01) == Interval(0.0, inf)


@pytest.mark.parametrize("mean", [0.05, 0.5])
def test_looking_after_every_batch_misses_the_true_mean_no_more_often_than_alpha(mean: float):
    rng, alpha, runs, missed = np.random.default_rng(5), 0.1, 60, 0
    for _ in range(runs):
        batches = [mean_of(opinions(rng, 10, mean)) for _ in range(40)]
        seen, inside = Ratio(), True
        for batch in batches:
            seen += batch
            found = MEAN.interval(seen, alpha)
            inside &= found.lower <= mean <= found.upper
        missed += not inside
    assert missed / runs <= alpha


def test_a_ratio_within_the_bound_rings_no_more_often_than_alpha():
    rng, alpha, runs, false = np.random.default_rng(6), 0.1, 100, 0
    truth = 0.1
    for _ in range(runs):
        detector = Detector()
        for _ in range(80):
            detector = detector.fold(10, CLICKS.log_ratios(ratio_of(*impressions(rng, 10, truth)), truth))
            if detector.log_value >= -log(alpha):
                false += 1
                break
    assert false / runs <= alpha


def test_little_spread_is_noticed_sooner():
    tight, loose = mean_of([0.45, 0.55] * 200), mean_of([0.0, 1.0] * 200)
    a, b = MEAN.interval(tight, 0.01), MEAN.interval(loose, 0.01)
    assert (a.upper - a.lower) * 2 < b.upper - b.lower
    assert max(MEAN.log_ratios(tight, 0.4)) > max(MEAN.log_ratios(loose, 0.4))


@pytest.mark.parametrize("falling", [False, True])
def test_a_mean_that_has_become_worse_fails_and_one_that_has_not_does_not(falling: bool):
    rng = np.random.default_rng(8)
    measure = RatioMeasure(1.0, falling=falling)
    worse = 0.4 if falling else 0.6

    def verdict(mean: float) -> Verdict:
        comparison = Comparison.begin(Tolerance(margin=0.02, min_samples=30, alpha=0.002), measure)
        for _ in range(80):
            comparison = comparison.observe(
                candidate=mean_of(opinions(rng, 10, mean)), stable=mean_of(opinions(rng, 30, 0.5))
            )
        return comparison.judge().verdict

    assert verdict(worse) is Verdict.FAIL
    assert verdict(0.5) is Verdict.NO_EVIDENCE_OF_HARM
    assert verdict(1 - worse) in {Verdict.PASS, Verdict.NO_EVIDENCE_OF_HARM}


def test_whoever_may_look_only_once_is_surer_but_agrees_on_what_is_seen():
    """Beside scipy's t-test at the same alpha: what is good for ever is at most three and a half times as wide."""
    rng = np.random.default_rng(9)
    new, old = opinions(rng, 2000, 0.52), opinions(rng, 2000, 0.5)
    once = ttest_ind(new, old).confidence_interval(0.99)
    a, b = MEAN.interval(mean_of(new), 0.005), MEAN.interval(mean_of(old), 0.005)
    lower, upper = a.lower - b.upper, a.upper - b.lower
    assert lower <= once.low <= once.high <= upper
    assert upper - lower <= 3.5 * (once.high - once.low)


def test_counters_beyond_their_limit_are_an_error():
    comparison = Comparison.begin(Tolerance(margin=0.02, min_samples=30, alpha=0.002), MEAN)
    judgement = comparison.observe(candidate=Ratio.of_mean(10, 50, 300), stable=Ratio()).judge()
    assert judgement.verdict is Verdict.ERROR
    assert "more than the 1 that one answer may add" in judgement.message


def test_the_message_is_in_the_unit_of_the_values():
    comparison = Comparison.begin(Tolerance(margin=0.02, min_samples=30, alpha=0.002), MEAN)
    judgement = comparison.observe(candidate=mean_of([0.9] * 500), stable=mean_of([0.1] * 500)).judge()
    assert judgement.message.startswith("at least 0.")
    assert judgement.message.endswith("worse than stable; 0.02 is allowed")
    assert str(judgement.candidate) == "0.9 (500)"


@pytest.mark.parametrize("limits", [(0.0, 1.0), (1.0, -1.0), (inf, 1.0)])
def test_limits_that_are_none_are_refused(limits: tuple[float, float]):
    with pytest.raises(ValueError, match="limits must be positive"):
        RatioMeasure(*limits)
