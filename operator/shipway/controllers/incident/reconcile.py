"""From an Incident and the release or training it is about to its status: mitigated, lifted, acknowledged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shipway.api.conditions import Type, Verdict, merge, rfc3339, seconds
from shipway.api.schema import GROUP
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus, Reason, TimelineEntry
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.api.v1alpha1.trainingjob import TrainingJobStatus
from shipway.controllers.incident import notified
from shipway.controllers.incident.cause import suspects
from shipway.controllers.incident.course import Course, Subject, course
from shipway.controllers.incident.history import is_closed, too_old
from shipway.controllers.incident.owned import ownership
from shipway.integrations.notice import Outcome
from shipway.kube.resource import TRAINING_JOB, Object
from shipway.runtime.plan import Delete, Plan

ACKNOWLEDGED_BY = f"{GROUP}/acknowledged-by"
"""Annotation, by the user: who looks after the incident."""
ACKNOWLEDGED = "Acknowledged"
QUARANTINED = "Quarantined"
TIMELINE_LIMIT = 32


@dataclass(frozen=True)
class Snapshot:
    """Everything a pass looks at.

    Attributes:
        incident: The Incident.
        subject: The ServingDeployment or TrainingJob it is about, while it exists.
        now: Unix seconds.
        gone: Whether the subject is known to be there no more.
        teams: All Teams; None where the operator may not read them.
        others: The Incidents of the namespace.
        receivers: Names of those who are told.
        outcomes: What came of the last tries to tell them.
        version: The ModelVersion that was taken back, while it exists.
        stable: The one that answers instead, while it exists.
    """

    incident: Object
    subject: Object | None
    now: float
    gone: bool = False
    teams: Sequence[Object] | None = None
    others: Sequence[Object] = ()
    receivers: Sequence[str] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    version: Object | None = None
    stable: Object | None = None


def reconcile(snapshot: Snapshot) -> Plan:
    """The status, and the end of the oldest of the closed ones where there are too many."""
    meta = snapshot.incident["metadata"]
    spec = IncidentSpec.model_validate(snapshot.incident["spec"])
    stored = IncidentStatus.model_validate(snapshot.incident.get("status") or {})
    how_far = course(meta["name"], spec, stored, _about(snapshot), snapshot.now)
    mitigated_at = how_far.mitigated_at
    timed = mitigated_at if spec.type == "Rollback" else None
    acknowledged = (meta.get("annotations") or {}).get(ACKNOWLEDGED_BY, "").strip()[:200]
    generation = meta.get("generation", 0)
    owned = ownership(spec, meta["namespace"], snapshot.teams)
    told = notified.records(stored.notified, snapshot.outcomes)
    verdicts = (
        _ready(how_far, acknowledged),
        how_far.mitigated,
        _acknowledged(acknowledged),
        *_quarantined(spec, stored),
        owned.verdict,
        notified.verdict(told, snapshot.receivers),
    )
    status = IncidentStatus(
        observed_generation=generation,
        conditions=merge(stored.conditions, verdicts, generation=generation, now=snapshot.now),
        team=owned.team,
        owners=owned.owners,
        on_call=owned.on_call,
        seconds_to_detect=_between(spec.exposed_at, spec.detected_at),
        seconds_to_mitigate=_between(spec.detected_at, timed),
        mitigated_at=mitigated_at,
        suspects=stored.suspects or suspects(spec, snapshot.version, snapshot.stable),
        notified=told,
        lifted=stored.lifted,
        timeline=_timeline(how_far, stored, acknowledged, snapshot.now),
    )
    excess = too_old(snapshot.others, model=spec.model) if is_closed(spec, stored) else ()
    return Plan(writes=excess, status=None if _is_among(meta, excess) else status.to_wire())


def _is_among(meta: Object, deletions: Iterable[Delete]) -> bool:
    return any(deletion.uid == meta["uid"] for deletion in deletions)


def _between(start: str | None, end: str | None) -> int | None:
    """Whole seconds from one time to another; 0 where rounding has turned them round."""
    if start is None or end is None:
        return None
    return max(0, round(seconds(end) - seconds(start)))


def _about(snapshot: Snapshot) -> Subject:
    if snapshot.subject is None:
        return Subject(None, snapshot.gone)
    status = snapshot.subject.get("status") or {}
    if snapshot.incident["spec"]["subject"]["kind"] == TRAINING_JOB.kind:
        return Subject(None, training=TrainingJobStatus.model_validate(status))
    return Subject(ServingDeploymentStatus.model_validate(status))


def _ready(how_far: Course, acknowledged: str) -> Verdict:
    if how_far.lasting:
        return Verdict(Type.READY, status=False, reason=Reason.OPEN, message=how_far.lasting)
    if not acknowledged and not how_far.unattended:
        text = f"nobody has acknowledged it; set the annotation {ACKNOWLEDGED_BY} to your name"
        return Verdict(Type.READY, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)
    by = f", acknowledged by {acknowledged}" if acknowledged else ""
    return Verdict(Type.READY, status=True, reason=Reason.RESOLVED, message=f"{how_far.over}{by}")


def _acknowledged(who: str) -> Verdict:
    if who:
        return Verdict(ACKNOWLEDGED, status=True, reason=Reason.ACKNOWLEDGED, message=f"by {who}")
    text = f"set the annotation {ACKNOWLEDGED_BY} to your name"
    return Verdict(ACKNOWLEDGED, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)


def _quarantined(spec: IncidentSpec, stored: IncidentStatus) -> Iterable[Verdict]:
    if not spec.quarantine:
        return
    if stored.lifted is not None:
        text = (
            f"released again by {stored.lifted.by} at {stored.lifted.time}: {stored.lifted.reason or 'no reason given'}"
        )
        yield Verdict(QUARANTINED, status=False, reason=Reason.LIFTED, message=text)
        return
    text = f"{spec.version} is not released again until someone retries it: shipway retry {spec.subject.name}"
    yield Verdict(QUARANTINED, status=True, reason=Reason.HELD, message=text)


def _timeline(how_far: Course, stored: IncidentStatus, acknowledged: str, now: float) -> list[TimelineEntry]:
    """What happened, each thing once: an entry that is there is never written again."""
    events = [(event.time, event.words) for event in how_far.events]
    if stored.lifted is not None:
        events.append((stored.lifted.time, f"released again by {stored.lifted.by}"))
    who = f"acknowledged by {acknowledged}"
    if acknowledged and who not in {entry.event for entry in stored.timeline}:
        events.append((rfc3339(now), who))
    known = {(entry.time, entry.event) for entry in stored.timeline}
    told = [TimelineEntry(time=time, event=words[:256]) for time, words in events]
    return [*stored.timeline, *(entry for entry in told if (entry.time, entry.event) not in known)][:TIMELINE_LIMIT]
