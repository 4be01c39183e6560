"""How far an Incident is, by its type and by what it is about: whether the harm is over, and in which words. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shipway.api.conditions import Verdict, rfc3339, seconds
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus, IncidentType, Reason
from shipway.api.v1alpha1.servingdeployment import Abort, RolloutStatus, ServingDeploymentStatus, Verb, incident_name
from shipway.api.v1alpha1.trainingjob import TrainingJobStatus

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
    """What is known of the ServingDeployment or the TrainingJob that an Incident is about.

    Attributes:
        status: The ServingDeployment's status; None where it is not known, or the Incident is about a training.
        gone: Whether it is known to be there no more.
        training: The TrainingJob's status; None where it is not known, or the Incident is about no training.
    """

    status: ServingDeploymentStatus | None
    gone: bool = False
    training: TrainingJobStatus | None = None


def course(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """How far the Incident of this name is.

    Args:
        name: Its name, by which the subject's status tells of it.
        spec: The record.
        stored: Its status as it is stored.
        subject: What it is about.
        now: Unix seconds.
    """
    of_type = _OF_TYPE.get(spec.type)
    return of_type(name, spec, stored, subject, now) if of_type else _of_unknown(spec, stored)


def _of_unknown(spec: IncidentSpec, stored: IncidentStatus) -> Course:
    """What a newer operator made is left as that one left it: nothing is known of when it is over."""
    words = f"a newer operator made it: this one knows no type {spec.type} and cannot tell whether it is over"
    if stored.mitigated_at:
        told = Verdict(MITIGATED, True, Reason.MITIGATED, f"over since {stored.mitigated_at}")
        return Course(told, stored.mitigated_at, "", told.message, (), unattended=True)
    return Course(Verdict(MITIGATED, None, Reason.UNKNOWN_TYPE, words), None, words, "", ())


def _of_rollback(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """It is over when the release read its route back on stable, or when a person lets the version answer."""
    by_hand = spec.gate == Verb.UNDO
    instead = f"no traffic on {spec.version}" if by_hand else f"all traffic on {spec.stable_version or 'stable'}"
    at = stored.mitigated_at or _confirmed(name, subject) or _left(name, spec, stored, subject, now)
    began = Event(spec.detected_at, f"{spec.gate}: {spec.version} taken back")
    events = (began, Event(at, instead)) if at else (began,)
    abort = subject.status.abort if subject.status else None
    ours = abort is not None and abort.incident == name
    if stored.lifted is not None and not ours and (by_hand or not at):
        words = f"{stored.lifted.by} lets {spec.version} answer"
        return Course(Verdict(MITIGATED, True, Reason.LIFTED, words), at, "", words, events, unattended=True)
    if at:
        told = Verdict(MITIGATED, True, Reason.MITIGATED, f"{instead} since {at}")
        return Course(told, at, "", f"mitigated at {at}", events)
    if by_hand and abort is not None and not ours and seconds(abort.at) >= seconds(spec.detected_at):
        words = _given_up(spec, abort)
        end = Event(abort.at, f"the undo to {spec.stable_version} was given up")
        return Course(Verdict(MITIGATED, False, Reason.UNDO_GIVEN_UP, words), None, words, "", (began, end))
    if words := _overtaken(name, spec, subject):
        return Course(Verdict(MITIGATED, True, Reason.OVERTAKEN, words), None, "", words, events, unattended=True)
    told = Verdict(MITIGATED, False, Reason.MITIGATING, f"waiting for the route to be read back with {instead}")
    return Course(told, None, "the traffic is not back on stable yet", "", events)


def _confirmed(name: str, subject: Subject) -> str | None:
    abort = subject.status.abort if subject.status else None
    return abort.route_confirmed_at if abort is not None and abort.incident == name else None


def _left(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> str | None:
    """When a version that an undo could not leave has no part in the deployment any more, by whatever came later."""
    status = subject.status
    if spec.gate != Verb.UNDO or status is None or status.stable is None or stored.lifted is not None:
        return None
    if status.abort is not None and status.abort.incident == name:
        return None
    return None if _runs(spec, status) else rfc3339(now)


def _runs(spec: IncidentSpec, status: ServingDeploymentStatus) -> bool:
    """Whether the version that was taken back has a part in the deployment."""
    return (spec.digest, spec.predictor_hash) in {(part.digest, part.predictor_hash) for part in status.running}


def _overtaken(name: str, spec: IncidentSpec, subject: Subject) -> str:
    """What came before the route was read back, after which nobody waits for that; empty while somebody does.

    The Incident is written before the status: until the status speaks of another release it is still to come.
    """
    who, status = spec.subject.name, subject.status
    if subject.gone:
        return f"{who} is gone"
    if status is None or spec.gate == Verb.UNDO or (status.abort is not None and status.abort.incident == name):
        return ""
    if status.rollout is None or name == incident_name(who, status.rollout):
        return ""
    return f"{spec.version} {'is released again' if _runs(spec, status) else f'has no part in {who} any more'}"


def _given_up(spec: IncidentSpec, abort: Abort) -> str:
    cure = f"undo to another version, release one, or let it answer: shipway retry {spec.subject.name}"
    return f"{spec.version} answers still, since the undo to {spec.stable_version} ended ({abort.reason}); {cure}"


def _of_gates(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """It is over, and nobody need look after it, when the release no longer says that its gates cannot tell.

    One release has one such Incident: where its gates cannot tell once more, it is open once more.
    """
    rollout = _blind(name, subject)
    at = None if rollout else stored.mitigated_at or (rfc3339(now) if subject.gone or subject.status else None)
    since = rollout.error_since if rollout and rollout.error_since else spec.detected_at
    return _by_itself(
        at,
        before=() if at else (Event(since, f"the gates of {spec.version} cannot tell"),),
        over=f"the gates of {spec.version} can tell again, or are not asked any more",
        waiting=f"the gates of {spec.version} cannot tell; someone is to mend what they measure by",
    )


def _blind(name: str, subject: Subject) -> RolloutStatus | None:
    """The rollout that says of itself that its gates cannot tell, and names this Incident."""
    rollout = subject.status.rollout if subject.status else None
    return rollout if rollout is not None and rollout.error_incident == name else None


def _of_budget(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """It is over, and nobody need look after it, when the deployment no longer says that the budget burns.

    A budget that burns once more has another Incident.
    """
    return _by_itself(
        stored.mitigated_at or (None if _burns(name, subject) else rfc3339(now)),
        before=(Event(spec.detected_at, f"the budget of {spec.gate} burns"),),
        over=f"the budget of {spec.gate} is burnt no more, or it is no objective any more",
        waiting=f"the budget of {spec.gate} burns; someone is to find out why",
    )


def _burns(name: str, subject: Subject) -> bool:
    """Whether it is said to burn by this Incident's name, or nothing is known of the deployment."""
    if subject.status is None:
        return not subject.gone
    return any(objective.incident == name for objective in subject.status.objectives)


def _of_hang(name: str, spec: IncidentSpec, stored: IncidentStatus, subject: Subject, now: float) -> Course:
    """It is over, and nobody need look after it, when the training makes steps again, or is not to make any more.

    A training that hangs once more has another Incident.
    """
    who = spec.subject.name
    return _by_itself(
        stored.mitigated_at or (None if _hangs(name, subject) else rfc3339(now)),
        before=(Event(spec.detected_at, f"{who} makes no more steps"),),
        over=f"{who} makes steps again, or has ended",
        waiting=f"{who} makes no more steps; someone is to find out why, or to start it anew",
    )


def _hangs(name: str, subject: Subject) -> bool:
    """Whether it is said to hang by this Incident's name, or nothing is known of the training."""
    if subject.training is None:
        return not subject.gone
    return subject.training.hang is not None and subject.training.hang.incident == name


def _by_itself(at: str | None, *, before: tuple[Event, ...], over: str, waiting: str) -> Course:
    """The course of what ends by itself and then needs nobody; `at` is when it did, None while it lasts."""
    if at:
        words = f"{over}, since {at}"
        events = (*before, Event(at, over))
        return Course(Verdict(MITIGATED, True, Reason.MITIGATED, words), at, "", words, events, unattended=True)
    told = Verdict(MITIGATED, False, Reason.MITIGATING, waiting)
    return Course(told, None, waiting, "", before, unattended=True)


_OF_TYPE: Mapping[str, Callable[[str, IncidentSpec, IncidentStatus, Subject, float], Course]] = {
    IncidentType.ROLLBACK: _of_rollback,
    IncidentType.GATE_ERROR: _of_gates,
    IncidentType.SLO_BURN: _of_budget,
    IncidentType.STALE_FEATURES: _of_budget,
    IncidentType.TRAINING_HANG: _of_hang,
}
