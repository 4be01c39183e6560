"""Where the new version gets little traffic, answers are scarce, and most of alpha is spent there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.api.v1alpha1.gates import MAX_GATES, MAX_SLICES
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment.alpha import of_gates, part_of_step


def rollout(*loads: int) -> Rollout:
    """Weights one after the other; 0 is a mirror."""
    return Rollout(steps=[{"setWeight": load} if load else {"mirror": {}} for load in loads])


def test_the_default_plan_spends_three_quarters_of_alpha_at_five_percent():
    plan = rollout(5, 25, 50)
    parts = [part_of_step(plan, load=load) for load in (5, 25, 50, 100)]
    assert parts == pytest.approx([20 / 28, 4 / 28, 2 / 28, 1 / 28])


@given(st.lists(st.integers(1, 99), max_size=6))
def test_the_steps_and_the_bake_spend_exactly_the_whole(weights: list[int]):
    plan = rollout(*weights)
    spent = sum(part_of_step(plan, load=load) for load in (*weights, 100, 100))  # at 100 percent, and in the bake
    assert spent == pytest.approx(1)


def test_what_comes_before_the_first_step_is_judged_like_it():
    assert part_of_step(rollout(10, 50), load=0) == part_of_step(rollout(10, 50), load=10)


def test_a_mirror_answers_every_request():
    assert part_of_step(rollout(0, 50), load=100) == pytest.approx(1 / 5)


def test_a_weight_that_is_not_planned_any_more_spends_no_more_than_there_is():
    assert part_of_step(rollout(), load=1) == 1


def test_a_release_all_at_once_has_half_for_the_step_and_half_for_the_bake():
    assert part_of_step(rollout(), load=100) == 0.5


def test_a_gate_s_part_is_split_evenly_over_all_answers_and_its_slices():
    gates = [{"name": "errors", "type": "ErrorRate", "slices": ["acme", "de"]}, {"name": "latency", "type": "Latency"}]
    assert of_gates(Rollout(gates=gates, alpha="0.012")) == pytest.approx(
        {"errors": 0.002, "errors/acme": 0.002, "errors/de": 0.002, "latency": 0.006}
    )


def test_slices_of_what_is_only_observed_cost_the_others_nothing():
    observed = {"name": "observed", "type": "ErrorRate", "slices": ["acme"], "onFail": "Observe"}
    assert of_gates(Rollout(gates=[{"name": "errors", "type": "ErrorRate"}, observed]))["errors"] == 0.05


GATE_SLICES = st.lists(st.integers(0, MAX_SLICES), min_size=1, max_size=MAX_GATES)


@given(GATE_SLICES, st.floats(0.0001, 0.5))
def test_gates_and_slices_together_never_spend_more_than_a_release_has(slices: list[int], alpha: float):
    gates = [
        {"name": f"g{place}", "type": "ErrorRate", "slices": [f"s{number}" for number in range(count)]}
        for place, count in enumerate(slices)
    ]
    parts = of_gates(Rollout(gates=gates, alpha=f"{alpha:.6f}"))
    assert len(parts) == len(slices) + sum(slices)
    assert sum(parts.values()) == pytest.approx(float(f"{alpha:.6f}"))
