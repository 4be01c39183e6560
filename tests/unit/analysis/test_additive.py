"""Sums merge in any order, and a counter that begins anew loses nothing it has counted since."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.bins import Bins, equal_groups
from shipway.analysis.labels import Labelled
from shipway.analysis.ratio import Ratio

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=20)
COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=64)


@given(PAIRS, PAIRS)
def test_two_pods_together_are_one_pod_that_saw_it_all(a: list[tuple[float, bool]], b: list[tuple[float, bool]]):
    merged, whole = Labelled.of(a) + Labelled.of(b), Labelled.of(a + b)
    assert vars(merged) == pytest.approx(vars(whole))
    assert vars(Labelled.of(b) + Labelled.of(a)) == pytest.approx(vars(whole))


@given(PAIRS, PAIRS)
def test_what_came_since_a_look_is_told_apart(a: list[tuple[float, bool]], b: list[tuple[float, bool]]):
    earlier = Labelled.of(a)
    assert vars((earlier + Labelled.of(b)).since(earlier)) == pytest.approx(vars(Labelled.of(b)), abs=1e-9)


def test_a_counter_that_has_fallen_began_anew():
    assert Ratio.of_mean(3, 1.5, 0.9).since(Ratio.of_mean(50, 20, 9)) == Ratio.of_mean(3, 1.5, 0.9)
    assert Bins((1, 2)).since(Bins((4, 1))) == Bins((1, 2))


@pytest.mark.parametrize("sum_", [nan, inf, -1.0])
def test_sums_that_cannot_be_are_refused(sum_: float):
    with pytest.raises(ValueError, match="top must be a finite sum"):
        Ratio(trials=1, top=sum_)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        Bins((1, -1))


@given(COUNTS, st.integers(1, 12))
def test_groups_lose_nothing_and_hold_little_more_than_their_part(counts: list[int], size: int):
    seen = Bins(tuple(counts))
    groups = equal_groups(seen, size)
    grouped = seen.grouped(groups)
    assert grouped.trials == seen.trials
    assert len(grouped.counts) == groups.size <= 3 * size
    assert all(count <= 2 * seen.trials / size or count in counts for count in grouped.counts)


@given(COUNTS, st.data())
def test_grouping_and_merging_may_come_in_either_order(counts: list[int], data: st.DataObject):
    other = Bins(tuple(data.draw(st.lists(st.integers(0, 99), min_size=len(counts), max_size=len(counts)))))
    seen = Bins(tuple(counts))
    groups = equal_groups(seen, 5)
    assert (seen + other).grouped(groups) == seen.grouped(groups) + other.grouped(groups)
