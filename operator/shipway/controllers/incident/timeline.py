"""What happened to an Incident, each thing once, in bounds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.api.v1alpha1.incident import IncidentStatus, SignOff, TimelineEntry
from shipway.controllers.incident.course import Event
from shipway.controllers.incident.people import acknowledged_words

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


def told(events: Sequence[Event], stored: IncidentStatus, signed: SignOff | None, closed: SignOff | None) -> Timeline:
    """The timeline with what is new in it.

    Args:
        events: What the course of the Incident tells now.
        stored: Its status as it is stored.
        signed: Who looks after it.
        closed: Who has closed it.
    """
    lifted, by_people = stored.lifted, list[Event]()
    if lifted is not None:
        by_people.append(Event(lifted.time, f"released again by {lifted.by}"))
    if signed is not None:
        by_people.append(Event(signed.time, acknowledged_words(signed)))
    if closed is not None:
        by_people.append(Event(closed.time, f"resolved by {closed.by}"))
    current = [TimelineEntry(time=event.time, event=event.words[:256]) for event in (*events, *by_people)]
    new = [entry for entry in current if entry not in stored.timeline]
    return _bounded([*stored.timeline, *new], current, stored.timeline_left_out)


def _bounded(entries: list[TimelineEntry], current: Sequence[TimelineEntry], left_out: int | None) -> Timeline:
    """Without the oldest between the first and the newest.

    What is told at every look stays, since it would be taken for new at the next one.
    """
    excess = len(entries) - LIMIT
    if excess <= 0:
        return Timeline(entries, left_out)
    dropped = [entry for entry in entries[FIRST:] if entry not in current][:excess]
    return Timeline([entry for entry in entries if entry not in dropped], (left_out or 0) + len(dropped))
