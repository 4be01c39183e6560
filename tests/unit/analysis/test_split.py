"""The parts of alpha make up the whole, to the last digit."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from shipway.analysis.split import split

WHOLE = st.fractions(min_value="1/1000000", max_value=1)
NAMES = st.lists(st.text(max_size=3), min_size=1, max_size=9, unique=True)


@given(WHOLE, NAMES)
def test_the_parts_are_the_whole_and_all_the_same(whole: Fraction, names: list[str]):
    parts = split(whole, names)
    assert list(parts) == names
    assert sum(parts.values()) == whole
    assert len(set(parts.values())) == 1


@given(WHOLE, st.dictionaries(st.text(max_size=3), NAMES, min_size=1, max_size=6))
def test_a_part_that_is_split_once_more_leaves_the_others_theirs(whole: Fraction, gates: dict[str, list[str]]):
    parts = split(whole, gates)
    slices = [split(parts[gate], names) for gate, names in gates.items()]
    assert sum(sum(each.values()) for each in slices) == whole


def test_nothing_to_test_spends_nothing():
    assert split(Fraction(1, 20), []) == {}
