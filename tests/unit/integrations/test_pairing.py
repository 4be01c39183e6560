"""Two versions' answers to one request are compared once, in whatever order and however often they are told."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from shipway.integrations import pairing as under_test
from shipway.integrations.pairing import KEPT_SECONDS, MAX_KEPT, MAX_SETTLED, Pairing, Predictions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def begun(clock: Clock | None = None) -> Pairing:
    """One whose first look is over."""
    pairing = Pairing(clock or Clock())
    assert pairing.take(candidate=(), stable=()) == ()
    return pairing


def told(**answers: Predictions) -> list[tuple[str, Predictions]]:
    return list(answers.items())


def test_answers_are_compared_when_both_have_been_told():
    pairing = begun()
    assert pairing.take(candidate=told(a=(0.1,), b=(0.5, 0.2)), stable=()) == ()
    assert pairing.take(candidate=(), stable=told(b=(0.5, 0.7), c=(0.1,))) == (0.7 - 0.2,)


def test_a_failure_of_one_or_another_number_of_predictions_is_as_different_as_can_be():
    new = told(failed=None, both_failed=None, longer=(0.1, 0.2), nothing=())
    old = told(failed=(0.1,), both_failed=None, longer=(0.1,), nothing=())
    assert begun().take(candidate=new, stable=old) == (inf, 0.0, inf, 0.0)


def test_what_is_told_too_late_is_compared_with_nothing():
    clock = Clock()
    pairing = begun(clock)
    pairing.take(candidate=told(a=(0.1,)), stable=())
    clock.now = KEPT_SECONDS + 1
    pairing.take(candidate=(), stable=())
    assert pairing.take(candidate=(), stable=told(a=(0.1,))) == ()


def test_it_keeps_no_more_than_it_may_and_the_newest():
    pairing = begun()
    pairing.take(candidate=[(str(number), (0.1,)) for number in range(MAX_KEPT + 10)], stable=())
    assert pairing.take(candidate=(), stable=[("9", (0.1,)), ("10", (0.1,))]) == (0.0,)


def test_what_an_operator_before_this_one_may_have_counted_is_not_counted_again():
    pairing = Pairing(Clock())
    both = told(a=(0.1,), b=(0.2,))
    assert pairing.take(candidate=both, stable=both[:1]) == ()
    assert pairing.take(candidate=[*both, ("c", (0.3,))], stable=[*both, ("c", (0.3,))]) == (0.0,)


def test_requests_of_one_id_are_not_mixed_up_whichever_pod_answers_them():
    pairing = begun()
    first, second, other = ("id", (0.1,)), ("id", (0.9,)), ("other", (0.5,))
    assert pairing.take(candidate=[first], stable=()) == ()
    assert pairing.take(candidate=[first, second, other], stable=[second, other]) == (0.0,)
    assert pairing.take(candidate=[second], stable=[first]) == ()


def test_many_pods_that_tell_more_than_it_remembers_are_not_counted_twice(monkeypatch):
    monkeypatch.setattr(under_test, "MAX_SETTLED", 100)
    pairing, many = begun(), [(str(number), (0.1,)) for number in range(300)]
    counts = [len(pairing.take(candidate=many, stable=many)) for _ in range(4)]
    assert counts == [100, 0, 0, 0]


def test_it_has_room_for_what_four_pods_of_each_version_tell_in_the_time():
    assert MAX_SETTLED >= 4 * 50 * (KEPT_SECONDS + 5)


@given(
    st.lists(
        st.tuples(st.booleans(), st.sets(st.integers(0, 30), max_size=10), st.floats(0, 2)),
        max_size=40,
    )
)
def test_each_request_counts_once_however_often_it_is_told(rounds: list[tuple[bool, set[int], float]]):
    clock = Clock()
    pairing = begun(clock)
    found, sides = 0, {True: set[int](), False: set[int]()}
    for new, numbers, passes in rounds:
        answers: list[tuple[str, Predictions]] = [(str(number), (0.5,)) for number in numbers]
        sides[new] |= numbers
        found += len(pairing.take(candidate=answers if new else (), stable=() if new else answers))
        clock.now += min(passes, KEPT_SECONDS / 40)
    assert found == len(sides[True] & sides[False])
