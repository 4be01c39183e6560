"""A gate on one slice: it finds what all answers together hide, and a slice that is rare holds up nothing."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.gate_types.error_rate import ErrorRate
from shipway.analysis.gate_types.latency import CALIBRATION, Latency
from shipway.analysis.gate_types.slice import OfSlice
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.measure import PROPORTION
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

MIN_SAMPLES = 30
TOLERANCE = Tolerance(margin=0.01, min_samples=0, alpha=0.001)
BUCKETS = Buckets(0.001, 2.0, 12)
ALL = Count(100)
"""Answers of all slices in a batch."""


def errors() -> OfSlice:
    test = ErrorRate("errors/acme", Comparison.begin(TOLERANCE, PROPORTION))
    return OfSlice(test, "acme", MIN_SAMPLES)


def latency() -> OfSlice:
    test = Latency("latency/acme", Comparison.begin(replace(TOLERANCE, margin=0.1), PROPORTION))
    return OfSlice(test, "acme", MIN_SAMPLES)


def batch(acme: Count = NOTHING, **more: object) -> Sample:
    """Answers of a version, some of them to acme."""
    parts = {"acme": Sample(acme)} if acme.trials else {}
    return replace(Sample(ALL, slices=parts), **more)


def timed(seconds: float, answers: int) -> Sample:
    counts = [0] * BUCKETS.size
    counts[BUCKETS.holding(seconds)] = answers
    return Sample(ALL, slices={"acme": Sample(Count(answers), Histogram(BUCKETS, tuple(counts)))})


MUTE = Sample(ALL)
"""Answers of a predictor that does not count slices."""


def said(gate: OfSlice) -> tuple[Verdict, str]:
    found = gate.judge()
    return found.verdict, found.message


@given(st.integers(0, MIN_SAMPLES - 1), st.integers(0, 500))
def test_few_good_answers_hold_up_nothing_and_how_few_there_were_is_said(new: int, old: int):
    gate = errors().observe(candidate=batch(Count(new)), stable=batch(Count(old)))
    text = f"too few answers of slice acme to tell: {new} of 30"
    assert said(gate) == (Verdict.NO_EVIDENCE_OF_HARM, text)


def test_few_answers_of_stable_are_told_too():
    gate = errors().observe(candidate=batch(Count(40)), stable=batch(Count(2)))
    text = "too few answers of slice acme by stable to tell: 2 of 30"
    assert said(gate) == (Verdict.NO_EVIDENCE_OF_HARM, text)


def test_few_answers_that_look_bad_are_waited_for():
    gate = errors().observe(candidate=batch(), stable=batch(Count(400)))
    gate = gate.observe(candidate=batch(Count(4, 2)), stable=batch(Count(40)))
    assert gate.judge().verdict is Verdict.INCONCLUSIVE


def test_many_bad_answers_are_a_fail_however_few_the_gate_asks_for():
    gate = errors().observe(candidate=batch(), stable=batch(Count(400)))
    gate = gate.observe(candidate=batch(Count(20, 15)), stable=batch(Count(40)))
    assert gate.judge().verdict is Verdict.FAIL


def test_enough_good_answers_speak_for_themselves():
    gate = errors().observe(candidate=batch(Count(40)), stable=batch(Count(80)))
    assert said(gate) == (Verdict.NO_EVIDENCE_OF_HARM, "no evidence of harm in 40 answers")


def test_it_is_judged_by_its_own_answers_and_not_by_those_of_others():
    bad_elsewhere = Sample(Count(100, 90), slices={"acme": Sample(Count(40)), "de": Sample(Count(60, 60))})
    gate = errors().observe(candidate=bad_elsewhere, stable=batch(Count(80)))
    assert gate.judge().candidate == Count(40)
    assert gate.judge().verdict is Verdict.NO_EVIDENCE_OF_HARM


@pytest.mark.parametrize(
    ("candidate", "stable", "whose"),
    [(MUTE, batch(), "the new version"), (batch(), MUTE, "stable"), (MUTE, MUTE, "the new version")],
)
def test_predictors_that_do_not_count_slices_are_an_error(candidate: Sample, stable: Sample, whose: str):
    gate = errors().observe(candidate=candidate, stable=stable)
    verdict, message = said(gate)
    assert verdict is Verdict.ERROR
    assert message.startswith(f"the predictor of {whose} does not count slices; use one whose /counters have schema 3")
    still = gate.observe(candidate=Sample(), stable=Sample())
    assert said(still) == (verdict, message)
    assert said(still.next_step(keep_stable=True)) == (verdict, message)
    better = gate.observe(candidate=batch(Count(40)), stable=batch(Count(40)))
    assert better.judge().verdict is Verdict.NO_EVIDENCE_OF_HARM


def test_nothing_passes_before_it_is_known_whether_slices_are_counted():
    gate = errors().observe(candidate=Sample(), stable=batch(Count(40)))
    assert gate.judge().verdict is Verdict.INCONCLUSIVE


def test_a_slice_that_may_be_among_those_left_out_is_an_error_until_it_is_seen():
    gate = errors().observe(candidate=batch(left_out=5), stable=batch())
    verdict, message = said(gate)
    assert verdict is Verdict.ERROR
    assert "left out 5 names, which may be acme" in message
    seen = gate.observe(candidate=batch(Count(1)), stable=batch())
    assert seen.judge().verdict is Verdict.NO_EVIDENCE_OF_HARM


def test_latency_of_a_slice_is_held_against_stable_s_in_the_same_slice():
    gate = latency().observe(candidate=batch(), stable=timed(0.02, CALIBRATION))
    for _ in range(40):
        gate = gate.observe(candidate=timed(0.5, 2), stable=timed(0.02, 5))
    assert gate.judge().verdict is Verdict.FAIL


def test_a_slice_too_rare_to_know_what_is_slow_holds_up_nothing():
    gate = latency().observe(candidate=timed(0.5, 20), stable=timed(0.02, 20))
    assert said(gate) == (Verdict.NO_EVIDENCE_OF_HARM, "too few answers of slice acme to tell: 0 of 30")


def test_batches_of_pods_add_up_by_slice():
    parts = [Sample(Count(3), slices={"a": Sample(Count(1))}), Sample(Count(4), slices={"a": Sample(Count(2))})]
    whole = Sample(weight=5) + parts[0] + parts[1]
    assert whole.slices == {"a": Sample(Count(3))}
    assert (whole + Sample(slices={"b": Sample(Count(1))})).slices == {"a": Sample(Count(3)), "b": Sample(Count(1))}


def test_one_pod_that_answers_and_does_not_count_spoils_the_whole_and_one_that_is_idle_does_not():
    counting = Sample(Count(3), slices={"a": Sample(Count(1))})
    assert (counting + MUTE).slices is None
    assert (MUTE + counting).slices is None
    assert (counting + Sample()).slices == counting.slices


SECONDS, RATE, WEIGHT, SHARE = 300, 200, 0.1, 0.05
"""Five minutes of a step at 10 %, with 200 requests a second, of which a twentieth are acme's."""


def answered(random: Random, requests: int, acme_share: float) -> Sample:
    """A second of one version that fails one in 200, and acme's requests with another probability."""
    acme = sum(random.random() < SHARE for _ in range(requests))
    bad = sum(random.random() < acme_share for _ in range(acme))
    others = sum(random.random() < 0.005 for _ in range(requests - acme))
    return Sample(Count(requests, bad + others), slices={"acme": Sample(Count(acme, bad))})


def verdicts(seed: int, acme_share: float) -> tuple[Verdict, Verdict]:
    """What the gate says of all answers after a step, and of acme's."""
    random = Random(seed)
    whole, part = ErrorRate("errors", Comparison.begin(TOLERANCE, PROPORTION)), errors()
    for _ in range(SECONDS):
        new = answered(random, round(RATE * WEIGHT), acme_share)
        old = answered(random, round(RATE * (1 - WEIGHT)), 0.005)
        whole = whole.observe(candidate=new, stable=old)
        part = part.observe(candidate=new, stable=old)
        if part.judge().verdict is Verdict.FAIL:
            break
    return whole.judge().verdict, part.judge().verdict


def test_errors_of_a_twentieth_of_the_traffic_are_found_by_its_slice_where_all_together_are_within_the_margin():
    """15 % of acme's answers are bad: 0.7 points more of all, where one is allowed."""
    found = [verdicts(seed, 0.15) for seed in range(12)]
    assert [part for _, part in found].count(Verdict.FAIL) >= 11
    assert Verdict.FAIL not in [whole for whole, _ in found]


def test_a_slice_that_is_as_good_as_stable_s_is_let_through():
    found = [verdicts(seed, 0.005) for seed in range(12)]
    assert Verdict.FAIL not in [part for _, part in found]
