"""How many answers are needed, against what the gate really takes."""

from math import inf
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr

from shipway.analysis.counts import Count
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.analysis.samples import divergence, expected_to_fail
from shipway.api.v1alpha1.gates import Verdict

TOLERANCE = Tolerance(margin=0.01, min_samples=30, alpha=0.001)
SHARES = st.floats(0.001, 0.999)


@given(SHARES, SHARES)
def test_the_evidence_of_an_answer_is_scipys(p: float, q: float):
    assert divergence(p, q) == pytest.approx(float(rel_entr(p, q) + rel_entr(1 - p, 1 - q)), abs=1e-12)


@given(st.floats(0, 0.3), st.floats(0.32, 0.6), st.floats(0.001, 0.3))
def test_the_worse_the_candidate_the_fewer_are_needed(stable: float, candidate: float, more: float):
    needed = expected_to_fail(TOLERANCE, stable=stable, candidate=candidate)
    assert expected_to_fail(TOLERANCE, stable=stable, candidate=candidate + more) < needed


def test_whoever_is_within_the_margin_never_fails():
    assert expected_to_fail(TOLERANCE, stable=0.02, candidate=0.03) == inf


def test_the_gate_needs_no_more_than_three_times_what_the_best_test_would():
    rng = np.random.default_rng(1)

    def answers_to_fail() -> int:
        comparison = Comparison.begin(TOLERANCE, PROPORTION)
        comparison = comparison.observe(candidate=Count(), stable=Count(5000, 50))
        while comparison.judge().verdict is not Verdict.FAIL:
            comparison = comparison.observe(candidate=Count(1, int(rng.random() < 0.3)), stable=Count(9, 0))
        return comparison.candidate.trials

    best = expected_to_fail(TOLERANCE, stable=0.01, candidate=0.3)
    assert best <= mean(answers_to_fail() for _ in range(15)) <= 3 * best
