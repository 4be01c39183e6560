"""Evidence belongs to one step: thresholds are taken before they are used, and nothing is pooled over weights."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.counts import Count
from shipway.analysis.evidence import StepEvidence
from shipway.analysis.gate_types.error_rate import ErrorRate
from shipway.analysis.gate_types.latency import CALIBRATION, Latency
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.measure import PROPORTION
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

BUCKETS = Buckets(0.001, 1.25, 40)
TOLERANCE = Tolerance(margin=0.05, min_samples=30, alpha=0.002)


def sample(seconds: float = 0.01, *, answers: int = 0, errors: int = 0, buckets: Buckets = BUCKETS) -> Sample:
    counts = [0] * buckets.size
    counts[buckets.index(seconds)] = answers
    return Sample(Count(answers, errors), Histogram(buckets, tuple(counts)) if answers else None)


def both_gates() -> StepEvidence:
    return StepEvidence((ErrorRate("errors", Comparison.begin(TOLERANCE, PROPORTION)), latency_gate()))


def latency_gate(fast_enough: float = 0.0) -> Latency:
    return Latency("latency", Comparison.begin(TOLERANCE, PROPORTION), fast_enough=fast_enough)


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
    fast = after(ready, candidate=sample(0.005, answers=5), stable=sample(answers=15), times=50)
    assert slow.judge()["latency"].verdict is Verdict.FAIL
    assert fast.judge()["latency"].verdict is Verdict.PASS
    assert slow.judge()["errors"].verdict is not Verdict.FAIL
    assert slow.judge()["latency"].message.endswith(f"; slow is over {1000 * ready.gates[1].threshold:.3g} ms")


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


def test_what_is_fast_enough_is_never_slow_however_fast_stable_is():
    quick, slower = sample(0.002, answers=CALIBRATION), sample(0.009, answers=50)
    strict = latency_gate().observe(candidate=Sample(), stable=quick)
    patient = latency_gate(fast_enough=0.01).observe(candidate=Sample(), stable=quick)
    for _ in range(10):
        strict = strict.observe(candidate=slower, stable=quick)
        patient = patient.observe(candidate=slower, stable=quick)
    assert strict.judge().verdict is Verdict.FAIL
    assert patient.judge().verdict is Verdict.PASS


def test_what_is_fast_enough_excuses_nothing_that_is_slower():
    gate = latency_gate(fast_enough=0.01).observe(candidate=Sample(), stable=sample(0.002, answers=CALIBRATION))
    for _ in range(10):
        gate = gate.observe(candidate=sample(0.02, answers=50), stable=sample(0.002, answers=CALIBRATION))
    assert gate.judge().verdict is Verdict.FAIL


def test_where_stable_is_slower_than_fast_enough_its_quantile_decides():
    gate = latency_gate(fast_enough=0.01).observe(candidate=Sample(), stable=sample(0.2, answers=CALIBRATION))
    assert gate.threshold == pytest.approx(BUCKETS.bound(BUCKETS.index(0.2)))


@given(st.floats(min_value=1e-6, max_value=5.0))
def test_nothing_faster_lies_above_the_bucket_that_holds_a_time(seconds: float):
    index = BUCKETS.holding(seconds)
    assert seconds <= BUCKETS.bound(index) * (1 + 1e-6)
    assert index == 0 or seconds > BUCKETS.bound(index - 1) * (1 - 1e-6)


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
