"""What predictions turned out to be worth: late labels are counted once, and only when all of them are in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from shipway.analysis.gates import Tolerance
from shipway.analysis.judgement import worst
from shipway.analysis.labels import CLIP, Cohort, Labelled, matured
from shipway.analysis.quality import FIRST_LABELS, Calibration, NormalizedEntropy
from shipway.api.v1alpha1.gates import Verdict

TOLERANCE = Tolerance(margin=0.1, min_samples=1000, alpha=0.002)
RATE = 0.1
HOUR = 3600.0


def labels(
    rng: np.random.Generator, size: int, *, times: float = 1.0, noise: float = 0.0, rate: float = RATE
) -> Labelled:
    """Clicks whose true probabilities are spread, predicted `times` too high and with noise in the log-odds."""
    truth = rng.beta(2, 2 / rate - 2, size)
    odds = np.exp(rng.normal(0, noise, size)) * truth / (1 - truth)
    predicted = np.clip(times * odds / (1 + odds), CLIP, 1 - CLIP)
    clicked = rng.random(size) < truth
    loss = -np.where(clicked, np.log(predicted), np.log1p(-predicted))
    sums = (predicted, predicted**2, predicted * clicked, loss, loss**2, loss * clicked)
    return Labelled(size, int(clicked.sum()), *(float(np.sum(values)) for values in sums))


def calibrated(rng: np.random.Generator, *, candidate: float, stable: float, batches: int = 40) -> Calibration:
    gate = Calibration.begin(TOLERANCE)
    for _ in range(batches):
        gate = gate.observe(candidate=labels(rng, 500, times=candidate), stable=labels(rng, 500, times=stable))
    return gate


def worth(rng: np.random.Generator, *, noise: float, batches: int = 60) -> NormalizedEntropy:
    gate = NormalizedEntropy(Tolerance(margin=0.01, min_samples=1000, alpha=0.002))
    for _ in range(batches):
        gate = gate.observe(candidate=labels(rng, 1000, noise=noise), stable=labels(rng, 1000))
    return gate


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=2, max_size=50))
def test_normalized_entropy_is_the_loss_over_the_entropy_of_the_rate(pairs: list[tuple[float, bool]]):
    predicted, label = (np.array(column) for column in zip(*pairs, strict=True))
    seen, rate = Labelled.of(pairs), float(label.mean())
    if not 0 < rate < 1:
        return
    ratio = seen.entropy(rate)
    loss = -np.mean(np.where(label, np.log(predicted), np.log1p(-predicted)))
    assert ratio.top / ratio.bottom == pytest.approx(loss / entropy([rate, 1 - rate]))
    assert seen.calibration.top / seen.calibration.bottom == pytest.approx(predicted.sum() / label.sum())


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50), st.floats(0.01, 0.99))
def test_the_sums_are_those_that_single_labels_would_give(pairs: list[tuple[float, bool]], rate: float):
    whole = Labelled.of(pairs)
    singles = [Labelled.of([pair]).entropy(rate) for pair in pairs]
    assert whole.entropy(rate).products == pytest.approx(sum(s.top * s.bottom for s in singles), abs=1e-6)
    assert whole.entropy(rate).bottom_squares == pytest.approx(sum(s.bottom**2 for s in singles), abs=1e-6)


def test_who_predicts_too_much_or_too_little_fails():
    rng = np.random.default_rng(1)
    for times in (1.4, 0.7):
        assert calibrated(rng, candidate=times, stable=1.0).judge().verdict is Verdict.FAIL


def test_being_right_is_no_harm_however_wrong_stable_is():
    rng = np.random.default_rng(2)
    for stable in (1.3, 0.7):
        judgement = calibrated(rng, candidate=1.0, stable=stable).judge()
        assert judgement.verdict in {Verdict.PASS, Verdict.NO_EVIDENCE_OF_HARM}


def test_who_is_wrong_as_stable_is_does_not_fail():
    gate = calibrated(np.random.default_rng(3), candidate=1.3, stable=1.3)
    assert gate.judge().verdict is not Verdict.FAIL


def test_predictions_that_lost_their_worth_fail_and_equal_ones_do_not():
    rng = np.random.default_rng(4)
    assert worth(rng, noise=1.0).judge().verdict is Verdict.FAIL
    assert worth(rng, noise=0.0).judge().verdict is not Verdict.FAIL


def test_equally_good_versions_are_hardly_ever_blamed():
    rng, runs, blamed = np.random.default_rng(5), 20, 0
    for _ in range(runs):
        gates = Calibration.begin(Tolerance(0.0, 10, 0.2)), NormalizedEntropy(Tolerance(0.0, 10, 0.2))
        for _ in range(25):
            new, old = labels(rng, 200), labels(rng, 200)
            gates = gates[0].observe(candidate=new, stable=old), gates[1].observe(candidate=new, stable=old)
        blamed += worst(gate.judge() for gate in gates).verdict is Verdict.FAIL
    assert blamed / runs <= 0.4


def test_the_rate_is_taken_before_any_label_is_counted():
    gate = NormalizedEntropy(TOLERANCE)
    few = labels(np.random.default_rng(6), FIRST_LABELS - 1)
    waiting = gate.observe(candidate=few, stable=few)
    assert waiting.judge().message == f"999 of {FIRST_LABELS} labels of stable seen to know the rate of positives"
    known = waiting.observe(candidate=few, stable=few)
    assert known.rate == pytest.approx(RATE, abs=0.03)
    assert known.comparison is not None
    assert known.comparison.candidate.trials == known.comparison.stable.trials == 0


def test_a_verdict_that_waits_for_labels_says_for_how_many():
    judgement = Calibration.begin(TOLERANCE).judge(waiting=20_000)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.message.endswith("; the labels of 20000 predictions are not in yet")


def test_the_state_goes_on_from_kept_sums():
    gate = calibrated(np.random.default_rng(7), candidate=1.4, stable=1.0)
    kept = Calibration.resumed(TOLERANCE, candidate=gate.over.candidate, stable=gate.over.stable)
    assert kept.judge().verdict is Verdict.FAIL


def cohorts(*ends: float) -> list[Cohort]:
    return [Cohort(end, 100, Labelled(trials=90)) for end in ends]


@pytest.mark.parametrize(
    ("since", "now", "counted", "waiting"),
    [(0, 25, 1, 2), (0, 24.5, 0, 3), (1, 25, 0, 2), (0, 27, 3, 0), (2, 10, 0, 1), (3, 99, 0, 0)],
)
def test_a_cohort_counts_once_its_window_has_closed(since: float, now: float, counted: int, waiting: int):
    harvest = matured(cohorts(HOUR, 2 * HOUR, 3 * HOUR), since=since * HOUR, now=now * HOUR, window=24 * HOUR)
    assert harvest.labelled.trials == counted * 90
    assert harvest.waiting == waiting * 100
    assert harvest.until >= since * HOUR


@given(st.lists(st.floats(0, 100), max_size=20), st.lists(st.floats(0, 150), max_size=20))
def test_every_cohort_is_counted_once_whatever_the_clock_does(ends: list[float], looks: list[float]):
    until, counted = -1.0, 0
    for now in (*looks, 1000):
        harvest = matured(cohorts(*ends), since=until, now=now, window=24)
        until, counted = harvest.until, counted + harvest.labelled.trials
    assert counted == 90 * len(ends)
