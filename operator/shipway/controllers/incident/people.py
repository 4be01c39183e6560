"""What people say of an Incident by annotations: who looks after it, and who has closed it. Pure."""

from collections.abc import Mapping, Sequence

from shipway.api.conditions import Type, Verdict, find, is_true, rfc3339, seconds
from shipway.api.schema import GROUP, Condition
from shipway.api.v1alpha1.incident import IncidentStatus, Reason, SignOff
from shipway.controllers.incident.course import MITIGATED, Course

ACKNOWLEDGED_BY = f"{GROUP}/acknowledged-by"
"""Annotation, by the user and stamped at admission with their name: who looks after the incident."""
RESOLVED_BY = f"{GROUP}/resolved-by"
"""Annotation, by the user and stamped at admission with their name: who has closed the incident."""
ACKNOWLEDGED = "Acknowledged"


def acknowledgement(annotations: Mapping[str, str], stored: IncidentStatus, now: float) -> SignOff | None:
    """Who looks after it; nobody any more where the annotation was taken away."""
    signed = _signed(annotations.get(ACKNOWLEDGED_BY, ""), stored.acknowledged, now)
    if signed is None or stored.acknowledged is not None or not is_true(stored.conditions, ACKNOWLEDGED):
        return signed
    # Operators that knew no such field wrote the time into the timeline alone.
    times = [entry.time for entry in stored.timeline if entry.event == acknowledged_words(signed)]
    return signed.model_copy(update={"time": times[-1]}) if times else signed


def resolution(annotations: Mapping[str, str], stored: IncidentStatus, now: float) -> SignOff | None:
    """Who has closed it; nobody any more where the annotation was taken away."""
    return _signed(annotations.get(RESOLVED_BY, ""), stored.resolved, now)


def closes(resolved: SignOff | None, conditions: Sequence[Condition]) -> bool:
    """Whether it is closed by that word: an Incident that has opened again since then calls again."""
    mitigated = find(conditions, MITIGATED)
    if resolved is None or mitigated is None or mitigated.status != "False":
        return resolved is not None
    return seconds(resolved.time) >= seconds(mitigated.last_transition_time)


def ready(how_far: Course, acknowledged: SignOff | None, closed_by: SignOff | None) -> Verdict:
    """The condition `Ready`: nobody has to do anything any more."""
    if closed_by is not None:
        said = f"resolved by {closed_by.by} at {closed_by.time}"
        text = f"{said}, and not over: {how_far.lasting}" if how_far.lasting else f"{how_far.over}, {said}"
        return Verdict(Type.READY, status=True, reason=Reason.RESOLVED, message=text)
    if how_far.lasting:
        return Verdict(Type.READY, status=False, reason=Reason.OPEN, message=how_far.lasting)
    if acknowledged is None and not how_far.unattended:
        text = f"nobody has acknowledged it; set the annotation {ACKNOWLEDGED_BY} to your name"
        return Verdict(Type.READY, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)
    by = f", acknowledged by {acknowledged.by}" if acknowledged else ""
    return Verdict(Type.READY, status=True, reason=Reason.RESOLVED, message=f"{how_far.over}{by}")


def acknowledged_verdict(signed: SignOff | None) -> Verdict:
    """The condition `Acknowledged`."""
    if signed is not None:
        return Verdict(ACKNOWLEDGED, status=True, reason=Reason.ACKNOWLEDGED, message=f"by {signed.by}")
    text = f"set the annotation {ACKNOWLEDGED_BY} to your name"
    return Verdict(ACKNOWLEDGED, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)


def acknowledged_words(signed: SignOff) -> str:
    """What the timeline says of it."""
    return f"acknowledged by {signed.by}"


def _signed(who: str, stored: SignOff | None, now: float) -> SignOff | None:
    name = who.strip()[:200]
    if not name:
        return None
    return stored if stored is not None and stored.by == name else SignOff(by=name, time=rfc3339(now))
