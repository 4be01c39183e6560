"""The share of requests that two versions answer differently, held against what is allowed."""

import numpy as np
import pytest

from shipway.analysis.counts import Count
from shipway.analysis.gate_types.answer_diff import UNPAIRED_BATCHES, AnswerDiff
from shipway.analysis.gates import Tolerance
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

BATCH = 12
ANSWERS = Count(BATCH, 0)


def gate(*, margin: float = 0.02, alpha: float = 0.05) -> AnswerDiff:
    return AnswerDiff("answers", Tolerance(margin, 30, alpha), tolerance=0.001)


def after(seen: AnswerDiff, *distances: float) -> AnswerDiff:
    return seen.observe(
        candidate=Sample(ANSWERS, pairs=distances, tells_answers=True), stable=Sample(ANSWERS, tells_answers=True)
    )


def run(differs: float, *, pairs: int, seed: int, alpha: float = 0.05) -> tuple[Verdict, int]:
    """The first verdict that is Fail, and after how many pairs; else the last one."""
    rng, seen = np.random.default_rng(seed), gate(alpha=alpha)
    while seen.pairs.trials < pairs:
        seen = after(seen, *(0.5 * (rng.random(BATCH) < differs)))
        if seen.judge().verdict is Verdict.FAIL:
            break
    return seen.judge().verdict, seen.pairs.trials


def test_what_is_just_allowed_is_seldom_blamed_however_often_one_looks():
    blamed = sum(run(0.02, pairs=600, seed=seed)[0] is Verdict.FAIL for seed in range(200))
    assert blamed <= 0.05 * 200


def test_what_is_worse_is_noticed_soon():
    found = [run(0.2, pairs=600, seed=seed) for seed in range(40)]
    assert {verdict for verdict, _ in found} == {Verdict.FAIL}
    assert sorted(pairs for _, pairs in found)[37] <= 72


def test_equal_answers_are_proven_to_be_within_the_margin():
    assert run(0.0, pairs=600, seed=1)[0] is Verdict.PASS


@pytest.mark.parametrize(
    ("distances", "verdict"),
    [
        ([0.0] * 12, Verdict.INCONCLUSIVE),
        ([0.0] * 40, Verdict.NO_EVIDENCE_OF_HARM),
        ([0.0] * 36 + [0.5] * 4, Verdict.INCONCLUSIVE),
        ([0.0009] * 40, Verdict.NO_EVIDENCE_OF_HARM),
        ([0.5] * 12, Verdict.FAIL),
        ([float("inf")] * 12, Verdict.FAIL),
    ],
    ids=["few", "enough", "suspicious", "within the tolerance", "all differ", "all fail"],
)
def test_the_verdict_is_by_the_share_that_differs(distances: list[float], verdict: Verdict):
    assert after(gate(), *distances).judge().verdict is verdict


def test_where_nobody_is_asked_nothing_is_compared_and_what_was_is_not_forgotten():
    seen = after(gate(), *[0.5] * 12).observe(candidate=Sample(ANSWERS), stable=Sample(ANSWERS))
    assert (seen.judge().verdict, seen.pairs.trials) == (Verdict.NO_EVIDENCE_OF_HARM, 12)


def test_the_next_step_begins_with_nothing():
    assert after(gate(), *[0.5] * 12).next_step(keep_stable=True).pairs == Count()


def without_pairs(seen: AnswerDiff, batches: int, *, stable: Count = ANSWERS) -> AnswerDiff:
    """After so many batches in which both told answers, and of no request both."""
    for _ in range(batches):
        seen = seen.observe(
            candidate=Sample(ANSWERS, pairs=(), tells_answers=True), stable=Sample(stable, tells_answers=True)
        )
    return seen


def test_answers_of_both_without_one_request_of_both_are_an_error_that_names_the_id_and_who_must_copy_it():
    seen = without_pairs(gate(), UNPAIRED_BATCHES - 1)
    assert seen.judge().verdict is Verdict.INCONCLUSIVE
    judged = without_pairs(seen, 1).judge()
    assert judged.verdict is Verdict.ERROR
    assert "x-request-id" in judged.message
    assert "gateway" in judged.message


def test_one_request_that_both_answered_shows_that_the_gateway_copies_ids():
    late = after(without_pairs(gate(), 2 * UNPAIRED_BATCHES), 0.0)
    assert late.judge().verdict is Verdict.INCONCLUSIVE
    assert without_pairs(late, 2 * UNPAIRED_BATCHES).judge().verdict is Verdict.INCONCLUSIVE


def test_a_stable_version_that_answers_nothing_is_no_sign_of_a_gateway_that_copies_no_ids():
    assert without_pairs(gate(), 2 * UNPAIRED_BATCHES, stable=Count()).judge().verdict is Verdict.INCONCLUSIVE


def test_the_next_step_waits_anew_for_a_request_of_both():
    seen = without_pairs(gate(), UNPAIRED_BATCHES).next_step(keep_stable=False)
    assert without_pairs(seen, 1).judge().verdict is Verdict.INCONCLUSIVE
