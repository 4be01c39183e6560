"""What a gate says of which counts, and how often it blames a version that is as good as stable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.counts import Count
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.gates import Verdict

TOLERANCE = Tolerance(margin=0.01, min_samples=30, alpha=0.002)


def judged(candidate: Count, stable: Count, tolerance: Tolerance = TOLERANCE) -> Verdict:
    return Comparison.begin(tolerance, PROPORTION).observe(candidate=candidate, stable=stable).judge().verdict


@pytest.mark.parametrize(
    ("candidate", "stable", "verdict"),
    [
        (Count(), Count(500, 0), Verdict.INCONCLUSIVE),
        (Count(29, 0), Count(500, 0), Verdict.INCONCLUSIVE),
        (Count(30, 0), Count(500, 0), Verdict.NO_EVIDENCE_OF_HARM),
        (Count(30, 0), Count(29, 0), Verdict.INCONCLUSIVE),
        (Count(30, 8), Count(60, 0), Verdict.INCONCLUSIVE),
        (Count(200, 80), Count(600, 0), Verdict.FAIL),
        (Count(200, 80), Count(600, 240), Verdict.NO_EVIDENCE_OF_HARM),
        (Count(20_000, 20), Count(60_000, 60), Verdict.PASS),
        (Count(200, 2), Count(600, 6), Verdict.NO_EVIDENCE_OF_HARM),
    ],
)
def test_counts_and_their_verdict(candidate: Count, stable: Count, verdict: Verdict):
    assert judged(candidate, stable) is verdict


@given(
    st.integers(0, 3000).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n))),
    st.integers(0, 3000).flatmap(lambda n: st.builds(Count, st.just(n), st.integers(0, n))),
)
def test_a_version_that_looks_no_worse_never_fails_at_first_sight(candidate: Count, stable: Count):
    if candidate.share <= stable.share:
        assert judged(candidate, stable) is not Verdict.FAIL


def test_the_message_names_what_is_missing():
    judgement = Comparison.begin(TOLERANCE, PROPORTION).observe(candidate=Count(4, 0), stable=Count(400, 0)).judge()
    assert judgement.message == "4 of 30 answers of the new version seen"


def test_what_hits_both_is_noticed_as_stables_own_trouble():
    comparison = Comparison.begin(TOLERANCE, PROPORTION)
    for _ in range(100):
        comparison = comparison.observe(candidate=Count(3, 0), stable=Count(9, 0))
    assert not comparison.stable_suffers_too
    for _ in range(12):
        comparison = comparison.observe(candidate=Count(3, 1), stable=Count(9, 3))
    assert comparison.stable_suffers_too


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05])
def test_a_version_as_good_as_stable_is_hardly_ever_blamed(share: float):
    rng, tolerance, runs = np.random.default_rng(3), Tolerance(margin=0.01, min_samples=30, alpha=0.05), 40
    blamed = sum(_fails(rng, tolerance, share, share) for _ in range(runs))
    assert blamed / runs <= tolerance.alpha


def test_a_much_worse_version_is_always_blamed():
    rng = np.random.default_rng(4)
    assert all(_fails(rng, TOLERANCE, 0.2, 0.0) for _ in range(40))


def _fails(rng: np.random.Generator, tolerance: Tolerance, candidate: float, stable: float) -> bool:
    comparison = Comparison.begin(tolerance, PROPORTION)
    for _ in range(160):
        new, old = int(rng.poisson(3)), int(rng.poisson(9))
        comparison = comparison.observe(
            candidate=Count(new, int(rng.binomial(new, candidate))), stable=Count(old, int(rng.binomial(old, stable)))
        )
        if comparison.judge().verdict is Verdict.FAIL:
            return True
    return False
