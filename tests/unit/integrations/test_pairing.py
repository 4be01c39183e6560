"""Two versions' answers to one request are compared once, in whatever order and however often they are told."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from shipway.integrations.pairing import KEPT_SECONDS, MAX_KEPT, Pairing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_answers_are_compared_when_both_have_been_told():
    pairing = Pairing(Clock())
    assert pairing.take(candidate={"a": (0.1,), "b": (0.5, 0.2)}, stable={}) == ()
    assert pairing.take(candidate={}, stable={"b": (0.5, 0.7), "c": (0.1,)}) == (0.7 - 0.2,)


def test_a_failure_of_one_or_another_number_of_predictions_is_as_different_as_can_be():
    pairing = Pairing(Clock())
    new = {"failed": None, "both failed": None, "longer": (0.1, 0.2), "nothing": ()}
    old = {"failed": (0.1,), "both failed": None, "longer": (0.1,), "nothing": ()}
    assert pairing.take(candidate=new, stable=old) == (inf, 0.0, inf, 0.0)


def test_what_is_told_too_late_is_compared_with_nothing():
    clock = Clock()
    pairing = Pairing(clock)
    pairing.take(candidate={"a": (0.1,)}, stable={})
    clock.now = KEPT_SECONDS + 1
    pairing.take(candidate={}, stable={})
    assert pairing.take(candidate={}, stable={"a": (0.1,)}) == ()


def test_it_keeps_no_more_than_it_may_and_the_newest():
    pairing = Pairing(Clock())
    pairing.take(candidate={str(number): (0.1,) for number in range(MAX_KEPT + 10)}, stable={})
    assert pairing.take(candidate={}, stable={"9": (0.1,), "10": (0.1,)}) == (0.0,)


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.integers(0, 30), max_size=10), st.floats(0, 2)),
        max_size=40,
    )
)
def test_each_request_counts_once_however_often_it_is_told(told: list[tuple[bool, list[int], float]]):
    clock = Clock()
    pairing = Pairing(clock)
    found, sides = 0, ({}, {})  # type: ignore[var-annotated]
    for new, numbers, passes in told:
        answers = {str(number): (0.5,) for number in numbers}
        sides[new].update(answers)
        found += len(pairing.take(candidate=answers if new else {}, stable={} if new else answers))
        clock.now += min(passes, KEPT_SECONDS / 40)
    assert found == len(sides[0].keys() & sides[1].keys())
