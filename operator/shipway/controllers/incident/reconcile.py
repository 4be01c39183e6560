"""From an Incident and the release or training it is about to its status: mitigated, lifted, acknowledged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shipway.api.conditions import Verdict, merge, seconds
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus, IncidentType, Reason
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.api.v1alpha1.trainingjob import TrainingJobStatus
from shipway.controllers.incident import notified, people, timeline
from shipway.controllers.incident.cause import suspects
from shipway.controllers.incident.course import Subject, course
from shipway.controllers.incident.history import is_over, too_old
from shipway.controllers.incident.owned import ownership
from shipway.controllers.incident.runbook import runbook
from shipway.integrations.notice import Outcome
from shipway.kube.resource import TRAINING_JOB, Object
from shipway.runtime.plan import Delete, Plan

QUARANTINED = "Quarantined"


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
        version: The ModelVersion that it is about, while it exists.
        stable: The one that answers instead, while it exists.
        docs_url: Where our documentation is read; empty where it is nowhere.
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
    docs_url: str = ""


def reconcile(snapshot: Snapshot) -> Plan:
    """The status, and the end of the oldest of the closed ones where there are too many."""
    meta = snapshot.incident["metadata"]
    spec = IncidentSpec.model_validate(snapshot.incident["spec"])
    stored = IncidentStatus.model_validate(snapshot.incident.get("status") or {})
    how_far = course(meta["name"], spec, stored, _about(snapshot), snapshot.now)
    mitigated_at = how_far.mitigated_at
    timed = mitigated_at if spec.type == IncidentType.ROLLBACK else None
    said = people.said(meta.get("annotations") or {}, stored, how_far.mitigated, snapshot.now)
    generation = meta.get("generation", 0)
    owned = ownership(spec, meta["namespace"], snapshot.teams)
    told = notified.records(stored.notified, snapshot.outcomes)
    verdicts = (
        people.ready(how_far, said),
        how_far.mitigated,
        people.acknowledged(said.acknowledged),
        *_quarantined(spec, stored),
        owned.verdict,
        notified.verdict(told, snapshot.receivers),
    )
    happened = timeline.told(how_far.events, stored, said)
    status = IncidentStatus(
        observed_generation=generation,
        conditions=merge(stored.conditions, verdicts, generation=generation, now=snapshot.now),
        team=owned.team,
        owner=owned.team or spec.owner,
        owners=owned.owners,
        on_call=owned.on_call,
        runbook=runbook(spec, snapshot.docs_url),
        acknowledged=said.acknowledged,
        resolved=said.resolved,
        seconds_to_detect=_between(spec.exposed_at, spec.detected_at),
        seconds_to_mitigate=_between(spec.detected_at, timed),
        mitigated_at=mitigated_at,
        suspects=stored.suspects or suspects(spec, snapshot.version, snapshot.stable, snapshot.subject),
        notified=told,
        lifted=stored.lifted,
        timeline=happened.entries,
        timeline_left_out=happened.left_out,
    )
    excess = too_old(snapshot.others, model=spec.model) if is_over(spec, stored) else ()
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
