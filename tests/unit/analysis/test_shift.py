"""Predictions that move are noticed within seconds; equal ones are hardly ever blamed, whatever the traffic does."""

from statistics import median

import numpy as np
import pytest
from scipy.stats import norm

from shipway.analysis.bins import Bins
from shipway.analysis.distances import Distance
from shipway.analysis.gates import Tolerance
from shipway.analysis.shift import FIRST_PREDICTIONS, GROUPS, Shift
from shipway.api.v1alpha1.gates import Verdict

EDGES = np.linspace(-4, 4, 63)
STRICT = Tolerance(margin=0.02, min_samples=30, alpha=4e-4)
KS = Distance.KOLMOGOROV_SMIRNOV


def scores(rng: np.random.Generator, size: float, mean: float = 0.0, spread: float = 1.0) -> Bins:
    """A second of scores with the shape of a bell."""
    below = np.concatenate([[0], norm.cdf(EDGES, mean, spread), [1]])
    return Bins(tuple(map(int, rng.multinomial(rng.poisson(size), np.diff(below)))))


def seconds_to_fail(rng: np.random.Generator, shift: Shift, *, mean: float = 0.0, spread: float = 1.0) -> float:
    for second in range(60):
        shift = shift.observe(candidate=scores(rng, 10, mean, spread), stable=scores(rng, 90))
        if shift.judge().verdict is Verdict.FAIL:
            return second + 1
    return 60


def after(shift: Shift, candidate: Bins | None, stable: Bins | None, times: int = 1) -> Shift:
    for _ in range(times):
        shift = shift.observe(candidate=candidate, stable=stable)
    return shift


def learned(distance: Distance = KS, tolerance: Tolerance = STRICT) -> Shift:
    """A gate whose ten groups are the ten bins."""
    return after(Shift(tolerance, distance), None, Bins((FIRST_PREDICTIONS // GROUPS,) * GROUPS))


def test_scores_half_a_deviation_higher_are_noticed_within_half_a_minute_at_ten_a_second():
    rng = np.random.default_rng(1)
    delays = [seconds_to_fail(rng, Shift(STRICT, KS), mean=0.5) for _ in range(12)]
    assert median(delays) <= 25
    assert max(delays) <= 35


@pytest.mark.parametrize(("distance", "margin"), [(KS, 0.02), (Distance.PSI, 0.02), (Distance.JENSEN_SHANNON, 0.003)])
def test_scores_that_spread_are_noticed_by_every_distance(distance: Distance, margin: float):
    rng, tolerance = np.random.default_rng(2), Tolerance(margin, 30, 4e-4)
    assert median(seconds_to_fail(rng, Shift(tolerance, distance), spread=2.0) for _ in range(3)) <= 30


@pytest.mark.parametrize("distance", list(Distance))
def test_equal_versions_are_not_blamed_more_often_than_alpha_though_the_traffic_drifts(distance: Distance):
    rng, alpha, runs, blamed = np.random.default_rng(3), 0.1, 20, 0
    for _ in range(runs):
        shift = Shift(Tolerance(margin=0.0, min_samples=30, alpha=alpha), distance)
        for second in range(60):
            drift = 1.5 if second >= 30 else 0.0
            shift = shift.observe(candidate=scores(rng, 10, drift), stable=scores(rng, 30, drift))
        noticed = shift.grouped is not None and shift.grouped.detector.log_value >= np.log(2 / alpha)
        blamed += noticed or shift.judge().verdict is Verdict.FAIL
    assert blamed / runs <= alpha


def test_a_shift_within_the_margin_is_tolerated():
    rng, tolerance = np.random.default_rng(4), Tolerance(margin=0.1, min_samples=30, alpha=0.1)
    assert all(seconds_to_fail(rng, Shift(tolerance, KS), mean=0.2) == 60 for _ in range(5))


def test_the_gate_waits_until_stables_predictions_can_be_grouped():
    judgement = after(Shift(STRICT, KS), Bins((1,) * 5), Bins((10,) * 5)).judge()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.message == f"50 of {FIRST_PREDICTIONS} predictions of stable seen to group them"


def test_a_batch_without_predictions_tells_nothing_of_the_bins():
    silent = after(Shift(STRICT, KS), None, None)
    assert after(silent, Bins((1,) * 5), Bins((10,) * 5)).judge().verdict is Verdict.INCONCLUSIVE


def test_predictions_that_made_the_groups_are_not_counted_in_them():
    shift = learned()
    assert shift.grouped is not None
    assert shift.grouped.stable.trials == 0


@pytest.mark.parametrize(
    ("candidate", "times", "verdict", "message"),
    [
        ((1,) * 10, 2, Verdict.INCONCLUSIVE, "20 of 30 predictions of the new version seen"),
        ((1,) * 10, 20, Verdict.NO_EVIDENCE_OF_HARM, "no evidence of a shift in 200 predictions"),
        ((0,) * 9 + (10,), 20, Verdict.FAIL, "0.02 is allowed"),
        ((100_000,) * 10, 20, Verdict.PASS, "predictions lie at most"),
    ],
)
def test_predictions_and_their_verdict(candidate: tuple[int, ...], times: int, verdict: Verdict, message: str):
    judgement = after(learned(), Bins(candidate), Bins((100_000,) * 10), times).judge()
    assert judgement.verdict is verdict
    assert message in judgement.message
    assert judgement.lower <= judgement.upper


def test_bins_that_differ_are_an_error():
    judgement = after(learned(), Bins((1,) * 9), Bins((1,) * 10)).judge()
    assert judgement.verdict is Verdict.ERROR
    assert judgement.message == "predictions are counted in different bins"


@pytest.mark.parametrize("distance", list(Distance))
def test_the_state_goes_on_from_kept_counts(distance: Distance):
    seen = after(learned(distance), Bins((1,) * 10), Bins((9,) * 10), 30).grouped
    assert seen is not None
    resumed = Shift.resumed(STRICT, distance, seen.groups, candidate=seen.candidate, stable=seen.stable)
    assert resumed.judge().candidate == seen.candidate
    assert after(resumed, None, None).judge().verdict is Verdict.NO_EVIDENCE_OF_HARM
    assert after(resumed, Bins((0,) * 9 + (10,)), Bins((9,) * 10), 30).judge().verdict is Verdict.FAIL


def test_who_always_predicts_the_same_is_told_from_who_does_not():
    constant = after(Shift(STRICT, KS), None, Bins((0, FIRST_PREDICTIONS, 0)))
    assert after(constant, Bins((0, 5, 0)), Bins((0, 50, 0)), 20).judge().verdict is Verdict.NO_EVIDENCE_OF_HARM
    assert after(constant, Bins((0, 0, 5)), Bins((0, 50, 0)), 20).judge().verdict is Verdict.FAIL
