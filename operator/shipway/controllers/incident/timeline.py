"""What happened to an Incident, each thing once, in bounds. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shipway.api.v1alpha1.incident import IncidentStatus, Lift, TimelineEntry
from shipway.controllers.incident.course import Event
from shipway.controllers.incident.people import Said, acknowledged_words

LIMIT = 32
"""Entries of a timeline."""
FIRST = 8
"""Entries kept from the beginning, by which people see how it began; the others are the newest."""


@dataclass(frozen=True)
class Timeline:
    """The events that are kept.

    Attributes:
        entries: The first and the newest, oldest first.
        left_out: How many between them are not kept; None while all are.
    """

    entries: list[TimelineEntry]
    left_out: int | None


def told(events: Sequence[Event], stored: IncidentStatus, said: Said) -> Timeline:
    """The timeline with what is new in it.

    Args:
        events: What the course of the Incident tells now.
        stored: Its status as it is stored.
        said: What people say of it.
    """
    told_now = (*events, *_by_people(stored.lifted, said))
    current = [TimelineEntry(time=event.time, event=event.words[:256]) for event in told_now]
    new = [entry for entry in current if entry not in stored.timeline]
    return _bounded([*stored.timeline, *new], current, stored.timeline_left_out)


def _by_people(lifted: Lift | None, said: Said) -> Iterable[Event]:
    if lifted is not None:
        yield Event(lifted.time, f"released again by {lifted.by}")
    if said.acknowledged is not None:
        yield Event(said.acknowledged.time, acknowledged_words(said.acknowledged))
    if said.resolved is not None:
        yield Event(said.resolved.time, f"resolved by {said.resolved.by}")


def _bounded(entries: list[TimelineEntry], current: Sequence[TimelineEntry], left_out: int | None) -> Timeline:
    """Without the oldest between the first and the newest.

    What is told at every look stays, since it would be taken for new at the next one.
    """
    excess = len(entries) - LIMIT
    if excess <= 0:
        return Timeline(entries, left_out)
    dropped = [entry for entry in entries[FIRST:] if entry not in current][:excess]
    return Timeline([entry for entry in entries if entry not in dropped], (left_out or 0) + len(dropped))
