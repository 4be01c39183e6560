"""How far an Incident is, by its type and by what it is about: whether the harm is over, and in which words. Pure."""

from dataclasses import dataclass

from shipway.api.conditions import Verdict, rfc3339
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus, Reason
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentStatus

MITIGATED = "Mitigated"


@dataclass(frozen=True)
class Event:
    """Something for the timeline."""

    time: str
    words: str


@dataclass(frozen=True)
class Course:
    """How far an Incident is.

    Attributes:
        mitigated: The condition `Mitigated`.
        mitigated_at: When the harm was over; None while it is not.
        lasting: What is not over yet; empty when everything is.
        over: How it ended.
        events: What has happened.
        unattended: Whether it is resolved without anybody who looks after it.
    """

    mitigated: Verdict
    mitigated_at: str | None
    lasting: str
    over: str
    events: tuple[Event, ...]
    unattended: bool = False


@dataclass(frozen=True)
class Subject:
    """What is known of the ServingDeployment that an Incident is about.

    Attributes:
        status: Its status; None where it is not known.
        gone: Whether it is known to be there no more.
    """

    status: ServingDeploymentStatus | None
    gone: bool = False


def course(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """How far the Incident of this name is.

    Args:
        name: Its name, by which the subject's status tells of it.
        spec: The record.
        stored: Its status as it is stored.
        subject: What it is about.
        now: Unix seconds.
    """
    if spec.type == "GateError":
        return _of_gates(name, spec, stored, subject, now)
    return _of_rollback(name, spec, stored, subject)


def _of_rollback(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject) -> Course:
    """It is over when the route was read back on stable, as the release's own status says."""
    began = Event(spec.detected_at, f"{spec.gate}: {spec.version} taken back")
    instead = f"all traffic on {spec.stable_version or 'stable'}"
    if at := stored.mitigated_at or _confirmed(name, subject):
        told = Verdict(MITIGATED, True, Reason.MITIGATED, f"{instead} since {at}")
        return Course(told, at, "", f"mitigated at {at}", (began, Event(at, instead)))
    waiting = f"waiting for the route to be read back with {instead}"
    told = Verdict(MITIGATED, False, Reason.MITIGATING, waiting)
    return Course(told, None, "the traffic is not back on stable yet", "", (began,))


def _confirmed(name: str, subject: Subject) -> str | None:
    abort = subject.status.abort if subject.status else None
    return abort.route_confirmed_at if abort is not None and abort.incident == name else None


def _of_gates(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """It is over, and nobody need look after it, when the release no longer says that its gates cannot tell.

    One release has one such Incident: where its gates cannot tell once more, it is open once more.
    """
    rollout = _blind(name, subject)
    at = None if rollout else stored.mitigated_at or (rfc3339(now) if subject.gone or subject.status else None)
    if at:
        words = f"the gates of {spec.version} can tell again, or are not asked any more"
        told = Verdict(MITIGATED, True, Reason.MITIGATED, f"{words}, since {at}")
        return Course(told, at, "", f"{words}, since {at}", (Event(at, words),), unattended=True)
    waiting = f"the gates of {spec.version} cannot tell; someone is to mend what they measure by"
    told = Verdict(MITIGATED, False, Reason.MITIGATING, waiting)
    since = rollout.error_since if rollout and rollout.error_since else spec.detected_at
    return Course(told, None, waiting, "", (Event(since, f"the gates of {spec.version} cannot tell"),), unattended=True)


def _blind(name: str, subject: Subject) -> RolloutStatus | None:
    """The rollout that says of itself that its gates cannot tell, and names this Incident."""
    rollout = subject.status.rollout if subject.status else None
    return rollout if rollout is not None and rollout.error_incident == name else None
