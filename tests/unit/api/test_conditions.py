"""Conditions: the transition time moves with the status and with nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from shipway.api.conditions import Verdict, find, is_true, merge, rfc3339, seconds

STATUSES = st.sampled_from([True, False, None])
TIMES = st.integers(0, 4_000_000_000)


@given(TIMES)
def test_a_time_survives_being_written(now: int) -> None:
    assert seconds(rfc3339(now)) == now


@given(before=STATUSES, after=STATUSES, start=TIMES, later=st.integers(1, 10**6))
def test_the_transition_time_moves_exactly_when_the_status_does(
    before: bool | None, after: bool | None, start: int, later: int
) -> None:
    first = merge([], [Verdict("Ready", before, "First")], generation=1, now=start)
    second = merge(first, [Verdict("Ready", after, "Second")], generation=2, now=start + later)

    moved = second[0].last_transition_time != first[0].last_transition_time
    assert moved == (before != after)
    assert (second[0].reason, second[0].observed_generation) == ("Second", 2)


def test_a_condition_that_is_no_longer_decided_is_gone() -> None:
    first = merge([], [Verdict("Ready", False, "A"), Verdict("Stalled", True, "B")], generation=1, now=0)
    second = merge(first, [Verdict("Ready", True, "C")], generation=1, now=1)

    assert [c.type for c in second] == ["Ready"]
    assert find(second, "Stalled") is None


def test_unknown_is_not_true() -> None:
    conditions = merge([], [Verdict("Ready", None, "A"), Verdict("Succeeded", True, "B")], generation=1, now=0)

    assert not is_true(conditions, "Ready")
    assert not is_true(conditions, "Absent")
    assert is_true(conditions, "Succeeded")


def test_a_message_fits_the_api() -> None:
    conditions = merge([], [Verdict("Ready", True, "A", "x" * 5000)], generation=1, now=0)

    assert len(conditions[0].message) == 2048
