"""A timeline has how an incident began and what happened last, and says how much lies between."""

from hypothesis import given
from hypothesis import strategies as st

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.incident import IncidentStatus, TimelineEntry
from shipway.controllers.incident.course import Event
from shipway.controllers.incident.people import Said
from shipway.controllers.incident.timeline import FIRST, LIMIT, Timeline, told
from unit.controllers.incident.test_reconcile import NOW

NOBODY = Said(None, None, closed=False)
BEGAN = Event(rfc3339(NOW), "the gates of v3 cannot tell")


def outage(number: int) -> tuple[Event, Event]:
    at = NOW + 600 * number
    return Event(rfc3339(at), "the gates of v3 cannot tell"), Event(rfc3339(at + 60), "they can tell again")


def after(events: list[tuple[Event, ...]], status: IncidentStatus | None = None) -> IncidentStatus:
    """The status after looks at which these events were told."""
    now = status or IncidentStatus()
    for told_then in events:
        seen = told(told_then, now, NOBODY)
        now = now.model_copy(update={"timeline": seen.entries, "timeline_left_out": seen.left_out})
    return now


def entries(*events: Event) -> list[TimelineEntry]:
    return [TimelineEntry(time=event.time, event=event.words) for event in events]


def test_a_short_one_is_whole() -> None:
    status = after([outage(0), outage(1)])

    assert status.timeline == entries(*outage(0), *outage(1))
    assert status.timeline_left_out is None


def test_of_many_outages_the_first_and_the_newest_are_there_and_the_number_of_the_others() -> None:
    status = after([outage(n) for n in range(30)])

    assert len(status.timeline) == LIMIT
    assert status.timeline[:FIRST] == entries(*(event for n in range(FIRST // 2) for event in outage(n)))
    assert status.timeline[-2:] == entries(*outage(29))
    assert status.timeline_left_out == 60 - LIMIT


def test_another_look_at_the_same_changes_nothing() -> None:
    status = after([outage(n) for n in range(30)])

    assert after([outage(29)], status) == status


def test_what_is_told_at_every_look_is_never_left_out_and_so_never_written_anew() -> None:
    late = Event(rfc3339(NOW + 5), "all traffic on v2")
    several = [outage(n) for n in range(FIRST)]
    status = after([*several, (BEGAN, late), *((BEGAN, late, *outage(n)) for n in range(FIRST, 40))])

    assert status.timeline.count(entries(late)[0]) == 1
    assert status.timeline_left_out == 80 + 1 - LIMIT


@given(st.lists(st.integers(0, 60), max_size=80))
def test_it_is_never_too_long_and_nothing_is_lost_unsaid(numbers: list[int]) -> None:
    status = after([(outage(n)[0],) for n in numbers])

    assert len(status.timeline) <= LIMIT
    if len(set(numbers)) == len(numbers):
        assert len(status.timeline) + (status.timeline_left_out or 0) == len(numbers)
    assert Timeline(status.timeline, status.timeline_left_out) == told((), status, NOBODY)
