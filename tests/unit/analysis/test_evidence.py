"""Evidence belongs to one step: thresholds are taken before they are used, and nothing is pooled over weights."""

from dataclasses import replace

import pytest

from shipway.analysis.counts import Count
from shipway.analysis.evidence import CALIBRATION, GateEvidence, Sample, Signal, StepEvidence
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.gates import Verdict

BUCKETS = Buckets(0.001, 1.25, 40)
TOLERANCE = Tolerance(margin=0.05, min_samples=30, alpha=0.002)


def sample(seconds: float = 0.01, *, answers: int = 0, errors: int = 0, buckets: Buckets = BUCKETS) -> Sample:
    counts = [0] * buckets.size
    counts[buckets.index(seconds)] = answers
    return Sample(Count(answers, errors), Histogram(buckets, tuple(counts)) if answers else None)


def both_gates() -> StepEvidence:
    errors = GateEvidence("errors", Signal.ERROR_RATE, Comparison.begin(TOLERANCE, PROPORTION))
    return StepEvidence((errors, GateEvidence("latency", Signal.LATENCY, Comparison.begin(TOLERANCE, PROPORTION))))


def after(evidence: StepEvidence, *, candidate: Sample, stable: Sample, times: int = 1) -> StepEvidence:
    for _ in range(times):
        evidence = evidence.observe(candidate=candidate, stable=stable)
    return evidence


def test_latency_waits_until_stables_quantile_is_known():
    evidence = after(both_gates(), candidate=sample(answers=5), stable=sample(answers=9), times=3)
    judgement = evidence.judge()["latency"]
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert f"27 of {CALIBRATION} answers" in judgement.message


def test_answers_that_made_the_threshold_are_not_counted_by_it():
    evidence = after(both_gates(), candidate=sample(answers=1), stable=sample(answers=CALIBRATION))
    gate = evidence.gates[1]
    assert gate.threshold is not None
    assert gate.comparison.stable.trials == 0


def test_a_slow_version_fails_and_a_fast_one_passes_on():
    ready = after(both_gates(), candidate=sample(), stable=sample(answers=CALIBRATION))
    slow = after(ready, candidate=sample(0.5, answers=5), stable=sample(answers=15), times=40)
    fast = after(ready, candidate=sample(0.005, answers=5), stable=sample(answers=15), times=40)
    assert slow.judge()["latency"].verdict is Verdict.FAIL
    assert fast.judge()["latency"].verdict is Verdict.PASS
    assert slow.judge()["errors"].verdict is not Verdict.FAIL


def test_the_next_step_begins_at_nothing_with_the_newest_threshold():
    evidence = after(both_gates(), candidate=sample(answers=5, errors=1), stable=sample(answers=60), times=3)
    fresh = evidence.next_step(keep_stable=False)
    assert (fresh.candidate, fresh.stable) == (Count(), Count())
    assert fresh.gates[0].comparison.candidate == fresh.gates[0].comparison.stable == Count()
    assert fresh.gates[1].threshold == pytest.approx(BUCKETS.bound(BUCKETS.index(0.01)))


def test_where_stable_gets_no_traffic_its_last_counts_are_the_baseline():
    evidence = after(both_gates(), candidate=sample(answers=5), stable=sample(answers=60, errors=2), times=3)
    fresh = evidence.next_step(keep_stable=True)
    assert fresh.stable == Count(180, 6)
    assert fresh.gates[0].comparison.stable == Count(180, 6)
    assert fresh.candidate == Count()


def test_versions_that_count_latency_differently_cannot_be_compared():
    other = replace(BUCKETS, ratio=2.0)
    evidence = both_gates().observe(candidate=sample(answers=5, buckets=other), stable=sample(answers=5))
    judgement = evidence.judge()["latency"]
    assert judgement.verdict is Verdict.ERROR
    assert "different buckets" in judgement.message


def test_a_quantile_is_the_first_bucket_that_holds_enough():
    counts = [0] * BUCKETS.size
    counts[3], counts[7] = 95, 5
    histogram = Histogram(BUCKETS, tuple(counts))
    assert histogram.quantile(0.95) == 3
    assert histogram.quantile(0.96) == 7
    assert histogram.slower_than(3) == Count(100, 5)


def test_a_bound_names_its_own_bucket():
    assert [BUCKETS.index(BUCKETS.bound(i)) for i in range(BUCKETS.size)] == list(range(BUCKETS.size))


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="hits must lie between 0 and trials"):
        Count(1, 2)
