"""The parts of alpha make up the whole, to the last digit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.split import Scope, split, split_by_arrival, split_tests

WHOLE = st.fractions(min_value="1/1000000", max_value=1)
WEIGHTS = st.dictionaries(st.text(max_size=3), st.integers(0, 100), min_size=1, max_size=6).filter(
    lambda weights: sum(weights.values()) > 0
)


@given(WHOLE, WEIGHTS)
def test_the_parts_are_the_whole_and_in_proportion(whole: Fraction, weights: dict[str, int]):
    parts = split(whole, weights)
    assert sum(parts.values()) == whole
    assert all(parts[a] * weights[b] == parts[b] * weights[a] for a in weights for b in weights)


@given(WHOLE, WEIGHTS, WEIGHTS, WEIGHTS)
def test_splitting_at_once_is_splitting_one_after_the_other(
    whole: Fraction, gates: dict[str, int], tenants: dict[str, int], slices: dict[str, int]
):
    parts = split_tests(whole, gates=gates, tenants=tenants, slices=slices)
    assert sum(parts.values()) == whole
    for gate, part in split(whole, gates).items():
        for tenant, share in split(part, tenants).items():
            for slice_, rest in split(share, slices).items():
                assert parts[Scope(gate, tenant, slice_)] == rest


def test_without_tenants_and_slices_there_is_one_test_for_each_gate():
    parts = split_tests(Fraction("0.01"), gates={"errors": 3, "latency": 1})
    assert parts == {Scope("errors"): Fraction(3, 400), Scope("latency"): Fraction(1, 400)}


@given(WHOLE, st.lists(st.integers(), unique=True, max_size=20), st.integers())
def test_nobodys_part_changes_when_another_arrives(whole: Fraction, arrived: list[int], newcomer: int):
    parts, reserve = split_by_arrival(whole, arrived)
    assert sum(parts.values()) + reserve == whole
    assert reserve > 0
    if newcomer not in arrived:
        later, _ = split_by_arrival(whole, [*arrived, newcomer])
        assert {key: later[key] for key in arrived} == parts


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 2, "b": -1}])
def test_weights_that_cannot_be_are_refused(weights: dict[str, int]):
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        split(Fraction(1), weights)
