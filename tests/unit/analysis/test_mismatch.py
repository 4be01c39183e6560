"""Whether the route really splits the traffic as it says: noticed early, and hardly ever claimed wrongly."""

import numpy as np
import pytest
from scipy.stats import binomtest

from shipway.analysis.mismatch import Allotment, judge_shares
from shipway.api.v1alpha1.gates import Verdict

TENTH = Allotment({"candidate": 10, "stable": 90}, slack=0.01, min_samples=1000, alpha=0.001)


@pytest.mark.parametrize(
    ("candidate", "stable", "verdict", "message"),
    [
        (0, 0, Verdict.INCONCLUSIVE, "0 of 1000 answers seen to compare their shares"),
        (90, 809, Verdict.INCONCLUSIVE, "899 of 1000 answers seen to compare their shares"),
        (100, 900, Verdict.NO_EVIDENCE_OF_HARM, "no mismatch in 1000 answers"),
        (20_000, 180_000, Verdict.PASS, "every version's share is within 1.00% of its weight"),
        (0, 1000, Verdict.ERROR, "candidate gets 0.00% to 1.02% of the answers, not 10.00%"),
        (500, 500, Verdict.ERROR, "the versions cannot be compared"),
    ],
)
def test_answers_and_their_verdict(candidate: int, stable: int, verdict: Verdict, message: str):
    finding = judge_shares({"candidate": candidate, "stable": stable}, TENTH)
    assert finding.verdict is verdict
    assert message in finding.message


def test_looking_after_every_second_claims_a_mismatch_no_more_often_than_alpha():
    rng, runs, claimed = np.random.default_rng(1), 60, 0
    strict = Allotment({"a": 10, "b": 30, "c": 60}, slack=0.0, min_samples=0, alpha=0.1)
    for _ in range(runs):
        seen = rng.multinomial(50, [0.1, 0.3, 0.6], size=60).cumsum(axis=0)
        claimed += any(
            judge_shares(dict(zip("abc", map(int, row), strict=True)), strict).verdict is Verdict.ERROR for row in seen
        )
    assert claimed / runs <= strict.alpha


def test_a_mismatch_is_found_by_the_time_an_exact_test_is_quite_sure():
    strict = Allotment({"a": 50, "b": 50}, slack=0.0, min_samples=0, alpha=0.001)
    total = next(n for n in range(100, 20_000, 100) if _verdict(n * 55 // 100, n * 45 // 100, strict) is Verdict.ERROR)
    assert 1e-9 < binomtest(total * 55 // 100, total, 0.5).pvalue < 1e-3


def test_a_version_without_a_weight_is_refused():
    with pytest.raises(ValueError, match="every version needs a weight"):
        judge_shares({"stranger": 1}, TENTH)


def _verdict(a: int, b: int, allotment: Allotment) -> Verdict:
    return judge_shares({"a": a, "b": b}, allotment).verdict
