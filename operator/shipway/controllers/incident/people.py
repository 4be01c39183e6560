"""What people say of an Incident by annotations: who looks after it, and who has closed it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from shipway.api.conditions import Type, Verdict, is_true, merge, rfc3339, seconds
from shipway.api.schema import GROUP, Condition
from shipway.api.v1alpha1.incident import IncidentStatus, Reason, SignOff
from shipway.controllers.incident.course import Course

ACKNOWLEDGED_BY = f"{GROUP}/acknowledged-by"
"""Annotation, by the user and stamped at admission with their name: who looks after the incident."""
RESOLVED_BY = f"{GROUP}/resolved-by"
"""Annotation, by the user and stamped at admission with their name: who has closed the incident."""
ACKNOWLEDGED = "Acknowledged"


@dataclass(frozen=True)
class Said:
    """What people have said of an Incident.

    Attributes:
        acknowledged: Who looks after it; None where nobody does.
        resolved: Who has closed it; None where nobody has.
        closed: Whether it is closed by that word: what has opened again since then calls again.
    """

    acknowledged: SignOff | None
    resolved: SignOff | None
    closed: bool


def said(annotations: Mapping[str, str], stored: IncidentStatus, mitigated: Verdict, now: float) -> Said:
    """What people say now; whoever takes an annotation away takes their word back.

    Args:
        annotations: Of the Incident.
        stored: Its status as it is stored.
        mitigated: The condition `Mitigated` as it is now.
        now: Unix seconds.
    """
    resolved = _signed(annotations.get(RESOLVED_BY, ""), stored.resolved, now)
    (condition,) = merge(stored.conditions, (mitigated,), generation=0, now=now)
    return Said(_acknowledged(annotations, stored, now), resolved, _closes(resolved, condition))


def ready(how_far: Course, said: Said) -> Verdict:
    """The condition `Ready`: nobody has to do anything any more."""
    if said.closed and said.resolved is not None:
        by = f"resolved by {said.resolved.by} at {said.resolved.time}"
        text = f"{by}, and not over: {how_far.lasting}" if how_far.lasting else f"{how_far.over}, {by}"
        return Verdict(Type.READY, status=True, reason=Reason.RESOLVED, message=text)
    if how_far.lasting:
        return Verdict(Type.READY, status=False, reason=Reason.OPEN, message=how_far.lasting)
    if said.acknowledged is None and not how_far.unattended:
        text = f"nobody has acknowledged it; set the annotation {ACKNOWLEDGED_BY} to your name"
        return Verdict(Type.READY, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)
    by = f", acknowledged by {said.acknowledged.by}" if said.acknowledged else ""
    return Verdict(Type.READY, status=True, reason=Reason.RESOLVED, message=f"{how_far.over}{by}")


def acknowledged(signed: SignOff | None) -> Verdict:
    """The condition `Acknowledged`."""
    if signed is not None:
        return Verdict(ACKNOWLEDGED, status=True, reason=Reason.ACKNOWLEDGED, message=f"by {signed.by}")
    text = f"set the annotation {ACKNOWLEDGED_BY} to your name"
    return Verdict(ACKNOWLEDGED, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)


def acknowledged_words(signed: SignOff) -> str:
    """What the timeline says of it."""
    return f"acknowledged by {signed.by}"


def _acknowledged(annotations: Mapping[str, str], stored: IncidentStatus, now: float) -> SignOff | None:
    signed = _signed(annotations.get(ACKNOWLEDGED_BY, ""), stored.acknowledged, now)
    if signed is None or stored.acknowledged is not None or not is_true(stored.conditions, ACKNOWLEDGED):
        return signed
    # Operators that knew no such field wrote the time into the timeline alone.
    times = [entry.time for entry in stored.timeline if entry.event == acknowledged_words(signed)]
    return signed.model_copy(update={"time": times[-1]}) if times else signed


def _closes(resolved: SignOff | None, mitigated: Condition) -> bool:
    if resolved is None or mitigated.status != "False":
        return resolved is not None
    return seconds(resolved.time) >= seconds(mitigated.last_transition_time)


def _signed(who: str, stored: SignOff | None, now: float) -> SignOff | None:
    name = who.strip()[:200]
    if not name:
        return None
    return stored if stored is not None and stored.by == name else SignOff(by=name, time=rfc3339(now))
