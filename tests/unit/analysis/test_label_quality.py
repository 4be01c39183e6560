"""A gate on labels counts each cohort once, when its window has closed, and none that began before the step."""

import pytest

from shipway.analysis.counts import Count
from shipway.analysis.gate_types.label_quality import LabelQuality
from shipway.analysis.gates import Tolerance
from shipway.analysis.labels import Cohort, Labelled
from shipway.analysis.quality import FIRST_LABELS, Calibration, NormalizedEntropy
from shipway.analysis.ratio import NO_SUMS
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

TOLERANCE = Tolerance(margin=0.2, min_samples=30, alpha=0.01)
BEGUN = LabelQuality("calibration", Calibration.begin(TOLERANCE), window=100, until=1000)
RIGHT = Labelled.of([(0.2, True)] + [(0.2, False)] * 4)


def sample(at: float, labelled: Labelled, *ends: float) -> Sample:
    return Sample(Count(5), cohorts=tuple(Cohort(end, 5, labelled) for end in ends), at=at)


def counted(gate: LabelQuality) -> tuple[int, int]:
    assert isinstance(gate.quality, Calibration)
    return gate.quality.over.candidate.trials, gate.quality.over.stable.trials


def test_a_cohort_counts_when_its_window_has_closed_and_only_once():
    ends = (960, 1020, 1080)
    early = BEGUN.observe(candidate=sample(1100, RIGHT, *ends), stable=sample(1100, RIGHT, *ends))
    assert (counted(early), early.waiting) == ((0, 0), 10)
    later = early.observe(candidate=sample(1130, RIGHT, *ends), stable=sample(1130, RIGHT, *ends))
    assert (counted(later), later.waiting) == ((5, 5), 5)
    again = later.observe(candidate=sample(1131, RIGHT, *ends), stable=sample(1131, RIGHT, *ends))
    assert counted(again) == (5, 5)


def test_how_many_labels_are_waited_for_is_said():
    gate = BEGUN.observe(candidate=sample(1050, RIGHT, 1020), stable=sample(1050, RIGHT))
    assert gate.judge().message.endswith("the labels of 5 predictions are not in yet")


def test_a_version_that_promises_too_much_fails():
    gate, at = BEGUN, 1200.0
    right, high = (Labelled.of([(promised, True)] * 20 + [(promised, False)] * 80) for promised in (0.2, 0.8))
    for _ in range(20):
        at += 60
        gate = gate.observe(candidate=sample(at, high, at - 110), stable=sample(at, right, at - 110))
    assert gate.judge().verdict is Verdict.FAIL


def test_without_a_clock_nothing_is_counted():
    assert BEGUN.observe(candidate=Sample(Count(5)), stable=Sample(Count(5))) == BEGUN


def test_the_next_step_keeps_stables_sums_where_it_gets_no_traffic():
    seen = BEGUN.observe(candidate=sample(1130, RIGHT, 1020), stable=sample(1130, RIGHT, 1020))
    assert counted(seen.next_step(keep_stable=True)) == (0, 5)
    assert counted(seen.next_step(keep_stable=False)) == (0, 0)


@pytest.mark.parametrize("keep", [True, False])
def test_the_next_step_keeps_the_rate_of_positives(keep: bool):
    many = Labelled.of([(0.2, True), (0.2, False)] * FIRST_LABELS)
    gate = LabelQuality("entropy", NormalizedEntropy(TOLERANCE), window=100, until=1000)
    gate = gate.observe(candidate=sample(1130, RIGHT), stable=sample(1130, many, 1020))
    gate = gate.observe(candidate=sample(1190, RIGHT, 1080), stable=sample(1190, RIGHT, 1080))
    fresh = gate.next_step(keep_stable=keep).quality
    assert isinstance(fresh, NormalizedEntropy)
    assert fresh.rate == pytest.approx(0.5)
    assert fresh.comparison is not None
    assert fresh.comparison.candidate == NO_SUMS
    assert fresh.comparison.stable.trials == (5 if keep else 0)
