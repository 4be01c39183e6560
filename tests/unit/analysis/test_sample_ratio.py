"""Versions that do not get their shares cannot be compared: an error, and no verdict on either."""

from shipway.analysis.counts import Count
from shipway.analysis.gate_types.sample_ratio import SampleRatio
from shipway.analysis.gates import Tolerance
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import Verdict

BEGUN = SampleRatio("ratio", Tolerance(margin=0.02, min_samples=100, alpha=0.001))


def after(gate: SampleRatio, candidate: int, stable: int, *, weight: int | None, times: int = 1) -> SampleRatio:
    rest = None if weight is None else 100 - weight
    for _ in range(times):
        gate = gate.observe(
            candidate=Sample(Count(candidate), weight=weight), stable=Sample(Count(stable), weight=rest)
        )
    return gate


def test_shares_as_the_route_gives_them_are_fine():
    judgement = after(BEGUN, 10, 90, weight=10, times=40).judge()
    assert judgement.verdict is Verdict.NO_EVIDENCE_OF_HARM
    assert str(judgement.candidate) == "400/4000 (10.00%)"
    assert after(BEGUN, 10_000, 90_000, weight=10, times=40).judge().verdict is Verdict.PASS


def test_a_version_that_loses_answers_on_the_way_is_an_error_with_both_shares():
    judgement = after(BEGUN, 5, 90, weight=10, times=40).judge()
    assert judgement.verdict is Verdict.ERROR
    assert judgement.message.startswith("the new version gets ")
    assert judgement.message.endswith("of the answers, not 10.00%: the versions cannot be compared")


def test_few_answers_tell_nothing():
    judgement = after(BEGUN, 2, 18, weight=10).judge()
    assert (judgement.verdict, judgement.message) == (
        Verdict.INCONCLUSIVE,
        "20 of 100 answers seen to compare their shares",
    )


def test_answers_given_while_the_route_changes_are_not_counted():
    gate = after(BEGUN, 50, 50, weight=None, times=40)
    assert gate == BEGUN
    assert gate.judge().verdict is Verdict.INCONCLUSIVE


def test_answers_at_another_weight_are_forgotten():
    gate = after(after(BEGUN, 10, 90, weight=10, times=9), 50, 50, weight=50)
    assert (gate.weight, gate.candidate, gate.stable) == (50, 50, 50)


def test_where_one_version_has_everything_there_is_nothing_to_compare():
    gate = after(after(BEGUN, 10, 90, weight=10), 100, 0, weight=100)
    assert (gate.candidate, gate.stable) == (10, 90)
    assert gate.judge().verdict is Verdict.PASS


def test_the_next_step_begins_at_nothing():
    assert after(BEGUN, 10, 90, weight=10).next_step(keep_stable=True) == BEGUN
