"""What a step has seen goes through the status and back: a restart of the operator loses no count."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.bins import Bins, Scores, equal_groups
from shipway.analysis.counts import Count
from shipway.analysis.evidence import StepEvidence
from shipway.analysis.gate_types.latency import CALIBRATION, Latency
from shipway.analysis.labels import Cohort, Labelled
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.ratio import Ratio
from shipway.analysis.sample import Sample
from shipway.analysis.shift import GROUPS
from shipway.api.conditions import seconds
from shipway.api.v1alpha1.evidence import Predictions
from shipway.api.v1alpha1.gates import MAX_GATES, MAX_SLICES, MAX_TESTS
from shipway.api.v1alpha1.rollout import Rollout
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec, Weights
from shipway.controllers.servingdeployment import alpha
from shipway.controllers.servingdeployment.evidence import from_status, to_status
from unit.controllers.servingdeployment.world import serving_spec

BUCKETS = Buckets(0.001, 1.25, 40)


def spec(*gates: dict[str, Any]) -> ServingDeploymentSpec:
    return ServingDeploymentSpec.model_validate(serving_spec() | {"rollout": {"gates": list(gates)}})


def rollout(**more: Any) -> RolloutStatus:
    body = {"id": "v2-1", "version": "v2", "inferenceService": "ranker-v2", "baseline": "v1", "state": "Stepping"}
    return RolloutStatus.model_validate(body | {"startedAt": "2026-11-25T00:00:00Z"} | more)


def kept(evidence: StepEvidence) -> RolloutStatus:
    """The rollout with the evidence as it comes back from the API server."""
    return rollout(evidence=[entry.to_wire() for entry in to_status(evidence, {})])


def answered(seconds: float, times: int) -> Sample:
    counts = [0] * BUCKETS.size
    counts[BUCKETS.index(seconds)] = times
    return Sample(Count(times), Histogram(BUCKETS, tuple(counts)))


def latency(**more: Any) -> dict[str, Any]:
    return {"name": "latency", "type": "Latency", **more}


def only(evidence: StepEvidence) -> Any:
    (gate,) = evidence.gates
    return gate


def test_what_counts_as_slow_and_what_was_counted_by_it_survive():
    declared = spec(latency())
    seen = from_status(declared, rollout()).observe(candidate=Sample(), stable=answered(0.002, CALIBRATION))
    seen = seen.observe(candidate=answered(0.5, 3), stable=answered(0.002, 7))
    gate = only(from_status(declared, kept(seen)))
    assert isinstance(gate, Latency)
    assert gate.threshold == pytest.approx(BUCKETS.bound(BUCKETS.holding(0.01)), rel=1e-5)
    assert (gate.comparison.candidate, gate.comparison.stable) == (Count(3, 3), Count(7, 0))


def test_the_shares_of_the_answers_survive():
    declared = spec({"name": "ratio", "type": "SampleRatio"})
    new, old = Sample(Count(10), weight=25), Sample(Count(30), weight=75)
    seen = from_status(declared, rollout(weights={"desired": 25})).observe(candidate=new, stable=old)
    after = kept(seen).model_copy(update={"weights": Weights(desired=25)})
    assert only(from_status(declared, after)) == only(seen)


def predicted(*counts: int) -> Sample:
    return Sample(Count(sum(counts)), scores=Scores("tenths", Bins(counts)))


def test_how_predictions_are_grouped_and_what_was_counted_in_the_groups_survive():
    declared = spec({"name": "scores", "type": "PredictionShift"})
    seen = from_status(declared, rollout()).observe(candidate=predicted(9, 9, 9), stable=predicted(90, 90, 90))
    seen = seen.observe(candidate=predicted(1, 2, 3), stable=predicted(4, 5, 6))
    (before, after) = (only(evidence).shift.grouped for evidence in (seen, from_status(declared, kept(seen))))
    assert after.candidate.trials == 6
    assert after.stable.trials == 15
    assert (after.groups, after.candidate, after.stable) == (before.groups, before.candidate, before.stable)


def test_sums_of_a_business_metric_survive_to_the_last_digit():
    declared = spec({"name": "missing", "type": "BusinessMetric", "metric": {"largest": "3", "largestSecond": "7"}})
    new, old = Ratio(3, 0.1 + 0.2, 7.0, 0.07, 1 / 3, 1e-7), Ratio(9, 1e16, 63.0, 5.0, 6.0, 7.0)
    seen = from_status(declared, rollout()).observe(
        candidate=Sample(Count(3), metrics={"missing": new}), stable=Sample(Count(9), metrics={"missing": old})
    )
    comparison = only(from_status(declared, kept(seen))).comparison
    assert (comparison.candidate, comparison.stable) == (new, old)


def test_sums_of_another_metric_are_given_up():
    worth = {"name": "worth", "type": "BusinessMetric"}
    seen = from_status(spec(worth), rollout()).observe(
        candidate=Sample(Count(1), metrics={"worth": Ratio.of_mean(1, 1.0, 1.0)}), stable=Sample()
    )
    gate = only(from_status(spec(worth | {"metric": {"name": "clicks"}}), kept(seen)))
    assert (gate.metric, gate.comparison.candidate) == ("clicks", Ratio())


@pytest.mark.parametrize("type_", ["Calibration", "NormalizedEntropy"])
def test_sums_over_labels_survive_with_how_far_they_were_counted(type_: str):
    declared = spec({"name": "labels", "type": type_, "windowSeconds": 60})
    began = seconds("2026-11-25T00:00:00Z")
    seen = from_status(declared, rollout())
    for minute in (2, 3):
        at = began + 60 * minute
        many = Cohort(at - 60, 3000, Labelled.of([(0.2, True), (0.3, False)] * 1500))
        answered = Sample(Count(1), cohorts=(many,), at=at + 0.7)
        seen = seen.observe(candidate=answered, stable=answered)
    before, after = only(seen), only(from_status(declared, kept(seen)))
    assert after.until == began + 120
    assert before.until == pytest.approx(after.until, abs=1)
    assert before.judge().candidate.trials > 0
    assert after.judge().candidate == before.judge().candidate
    assert after.judge().stable == before.judge().stable


def test_a_margin_is_a_fraction_of_the_largest_value():
    gate = {"name": "worth", "type": "BusinessMetric", "metric": {"largest": "40"}, "margin": "0.05"}
    assert only(from_status(spec(gate), rollout())).comparison.tolerance.margin == pytest.approx(2.0)


def test_the_next_step_keeps_the_groups_and_nothing_counted():
    declared = spec({"name": "scores", "type": "PredictionShift"})
    seen = from_status(declared, rollout()).observe(candidate=Sample(), stable=predicted(90, 90, 90))
    seen = seen.observe(candidate=predicted(1, 2, 3), stable=predicted(4, 5, 6))
    grouped = only(from_status(declared, kept(seen.next_step(keep_stable=False)))).shift.grouped
    assert grouped.groups == only(seen).shift.grouped.groups
    assert (grouped.candidate.trials, grouped.stable.trials) == (0, 0)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=512))
def test_what_is_kept_of_predictions_is_bounded_whatever_a_predictor_counts(counts: list[int]):
    groups = equal_groups(Bins(tuple(counts)), GROUPS)
    assert Predictions(gate="scores", ends=list(groups.ends), counts=[0] * groups.size)
    assert groups.size <= 3 * GROUPS


def test_a_release_splits_alpha_over_its_gates():
    two = [{"name": name, "type": "ErrorRate"} for name in ("a", "b")]
    assert alpha.of_gates(Rollout(gates=two)) == {"a": 0.025, "b": 0.025}


def test_what_takes_nothing_back_costs_the_others_nothing_of_alpha():
    gates = [
        {"name": "errors", "type": "ErrorRate"},
        {"name": "ratio", "type": "SampleRatio"},
        {"name": "latency", "type": "Latency", "onFail": "Observe"},
    ]
    assert alpha.of_gates(Rollout(gates=gates)) == dict.fromkeys(("errors", "ratio", "latency"), 0.05)


def test_a_threshold_and_a_stranger_s_word_are_no_tests_and_take_nothing_of_alpha():
    gates = [
        {"name": "errors", "type": "ErrorRate"},
        {"name": "load", "type": "PromQL", "query": "load", "limit": "1"},
        {"name": "approval", "type": "Webhook", "service": {"name": "approvals"}},
    ]
    assert alpha.of_gates(Rollout(gates=gates))["errors"] == 0.05
    assert [gate.name for gate in from_status(spec(*gates), rollout()).gates] == ["errors"]


def test_counts_by_a_threshold_that_is_called_fast_enough_since_are_given_up():
    seen = from_status(spec(latency()), rollout()).observe(candidate=Sample(), stable=answered(0.02, CALIBRATION))
    seen = seen.observe(candidate=answered(0.05, 3), stable=answered(0.02, 7))
    gate = only(from_status(spec(latency(fastEnoughMilliseconds=100)), kept(seen)))
    assert (gate.threshold, gate.comparison.candidate) == (None, Count())


def test_what_both_versions_told_side_by_side_survives_steps_and_restarts_but_no_other_margin():
    errors = {"name": "errors", "type": "ErrorRate", "margin": "0.01"}
    seen = from_status(spec(errors), rollout())
    for _ in range(20):
        seen = seen.observe(candidate=Sample(Count(30, 3)), stable=Sample(Count(90, 1)))
    told = only(seen).comparison.side_by_side
    following = kept(seen.next_step(keep_stable=False))
    again = only(from_status(spec(errors), following)).comparison
    assert (again.candidate, again.side_by_side.trials) == (Count(), told.trials) == (Count(), 600)
    assert again.side_by_side.log_value == pytest.approx(told.log_value, abs=1e-4)
    assert only(from_status(spec(errors | {"margin": "0.05"}), following)).comparison.side_by_side.trials == 0
    assert only(from_status(spec(errors | {"type": "Latency"}), following)).comparison.side_by_side.trials == 0


def test_what_was_counted_of_a_slice_survives_beside_that_of_all():
    declared = spec({"name": "errors", "type": "ErrorRate", "slices": ["acme"]}, latency(slices=["acme"]))
    acme = answered(0.5, 3)
    sliced = Sample(Count(9, 1), acme.latency, slices={"acme": acme})
    old = answered(0.002, CALIBRATION)
    stable = Sample(Count(500), old.latency, slices={"acme": old})
    seen = from_status(declared, rollout()).observe(candidate=Sample(slices={}), stable=stable)
    seen = seen.observe(candidate=sliced, stable=stable)
    before, after = seen.judge(), from_status(declared, kept(seen)).judge()
    assert list(before) == ["errors", "errors/acme", "latency", "latency/acme"]
    assert {name: found.candidate for name, found in after.items()} == {
        "errors": Count(9, 1),
        "errors/acme": Count(3),
        "latency": Count(3, 3),
        "latency/acme": Count(3, 3),
    }
    assert [found.stable for found in after.values()] == [found.stable for found in before.values()]


def test_as_much_as_gates_may_declare_fits_into_the_status():
    gates = [
        {"name": f"{place:063}", "type": "ErrorRate", "slices": [f"{number:063}" for number in range(MAX_SLICES)]}
        for place in range(MAX_GATES)
    ]
    seen = from_status(spec(*gates), rollout())
    parts = {f"{number:063}": Sample(Count(10**9)) for number in range(MAX_SLICES)}
    batch = Sample(Count(10**10), slices=parts)
    (candidate, _) = kept(seen.observe(candidate=batch, stable=batch)).evidence
    assert (len(candidate.slices), len(candidate.side_by_side)) == (MAX_GATES * MAX_SLICES, MAX_TESTS)
    assert len(candidate.model_dump_json()) < 64 * 1024
