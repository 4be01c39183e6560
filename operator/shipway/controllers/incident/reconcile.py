"""From an Incident and the release it is about to its status: mitigated, lifted, acknowledged."""

from collections.abc import Iterable
from dataclasses import dataclass

from shipway.api.conditions import Type, Verdict, merge, rfc3339
from shipway.api.schema import GROUP
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus, Reason, TimelineEntry
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.kube.resource import Object
from shipway.runtime.plan import Plan

ACKNOWLEDGED_BY = f"{GROUP}/acknowledged-by"
"""Annotation, by the user: who looks after the incident."""
MITIGATED = "Mitigated"
ACKNOWLEDGED = "Acknowledged"
QUARANTINED = "Quarantined"
TIMELINE_LIMIT = 32


@dataclass(frozen=True)
class Snapshot:
    """Everything a pass looks at; `subject` is the ServingDeployment, while it exists."""

    incident: Object
    subject: Object | None
    now: float


def reconcile(snapshot: Snapshot) -> Plan:
    """The status; an incident is never written otherwise."""
    meta = snapshot.incident["metadata"]
    spec = IncidentSpec.model_validate(snapshot.incident["spec"])
    stored = IncidentStatus.model_validate(snapshot.incident.get("status") or {})
    mitigated_at = stored.mitigated_at or _confirmed(snapshot)
    acknowledged = (meta.get("annotations") or {}).get(ACKNOWLEDGED_BY, "").strip()[:200]
    generation = meta.get("generation", 0)
    verdicts = (
        _ready(mitigated_at, acknowledged),
        _mitigated(mitigated_at, spec),
        _acknowledged(acknowledged),
        *_quarantined(spec, stored),
    )
    status = IncidentStatus(
        observed_generation=generation,
        conditions=merge(stored.conditions, verdicts, generation=generation, now=snapshot.now),
        mitigated_at=mitigated_at,
        lifted=stored.lifted,
        timeline=_timeline(spec, stored, mitigated_at, acknowledged, snapshot.now),
    )
    return Plan(status=status.to_wire())


def _confirmed(snapshot: Snapshot) -> str | None:
    """When the release read its route back on stable, as its own status says."""
    if snapshot.subject is None:
        return None
    abort = ServingDeploymentStatus.model_validate(snapshot.subject.get("status") or {}).abort
    ours = abort is not None and abort.incident == snapshot.incident["metadata"]["name"]
    return abort.route_confirmed_at if abort is not None and ours else None


def _ready(mitigated_at: str | None, acknowledged: str) -> Verdict:
    if mitigated_at is None:
        return Verdict(Type.READY, status=False, reason=Reason.OPEN, message="the traffic is not back on stable yet")
    if not acknowledged:
        text = f"nobody has acknowledged it; set the annotation {ACKNOWLEDGED_BY} to your name"
        return Verdict(Type.READY, status=False, reason=Reason.NOT_ACKNOWLEDGED, message=text)
    text = f"mitigated at {mitigated_at}, acknowledged by {acknowledged}"
    return Verdict(Type.READY, status=True, reason=Reason.RESOLVED, message=text)


def _mitigated(mitigated_at: str | None, spec: IncidentSpec) -> Verdict:
    if mitigated_at is None:
        text = f"waiting for the route to be read back with all traffic on {spec.stable_version or 'stable'}"
        return Verdict(MITIGATED, status=False, reason=Reason.MITIGATING, message=text)
    text = f"all traffic on {spec.stable_version or 'stable'} since {mitigated_at}"
    return Verdict(MITIGATED, status=True, reason=Reason.MITIGATED, message=text)


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


def _timeline(
    spec: IncidentSpec, stored: IncidentStatus, mitigated_at: str | None, acknowledged: str, now: float
) -> list[TimelineEntry]:
    """What happened, each thing once: an entry that is there is never written again."""
    events = [(spec.detected_at, f"{spec.gate}: {spec.version} taken back"[:256])]
    if mitigated_at is not None:
        events.append((mitigated_at, f"all traffic on {spec.stable_version or 'stable'}"))
    if acknowledged:
        events.append((rfc3339(now), f"acknowledged by {acknowledged}"))
    if stored.lifted is not None:
        events.append((stored.lifted.time, f"released again by {stored.lifted.by}"[:256]))
    known = {entry.event for entry in stored.timeline}
    new = [TimelineEntry(time=time, event=event) for time, event in events if event not in known]
    return [*stored.timeline, *new][:TIMELINE_LIMIT]
