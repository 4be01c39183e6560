"""Which Incidents are history, and how much of it is kept: pure."""

from collections.abc import Iterable

from shipway.api.conditions import Type, is_true
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.kube.resource import INCIDENT, Object
from shipway.runtime.plan import Delete

KEPT = 20
"""Closed Incidents kept of each Model, the newest."""


def is_closed(spec: IncidentSpec, status: IncidentStatus) -> bool:
    """Whether nothing depends on it any more: mitigated, acknowledged, and no version is held by it."""
    holds = spec.quarantine and status.lifted is None
    return is_true(status.conditions, Type.READY) and not holds


def too_old(incidents: Iterable[Object], *, model: str, kept: int = KEPT) -> tuple[Delete, ...]:
    """The deletions that leave the newest closed Incidents of a Model, and every one that is not closed.

    Each names the version that was looked at: an Incident that somebody has touched since then is looked at again.
    """
    closed = [incident for incident in incidents if incident["spec"]["model"] == model and _is_closed(incident)]
    newest_first = sorted(closed, key=_age, reverse=True)
    return tuple(_deletion(incident["metadata"]) for incident in reversed(newest_first[kept:]))


def _is_closed(incident: Object) -> bool:
    spec = IncidentSpec.model_validate(incident["spec"])
    status = IncidentStatus.model_validate(incident.get("status") or {})
    return "deletionTimestamp" not in incident["metadata"] and is_closed(spec, status)


def _age(incident: Object) -> tuple[str, str]:
    return incident["spec"]["detectedAt"], incident["metadata"]["name"]


def _deletion(meta: Object) -> Delete:
    return Delete(INCIDENT, meta["namespace"], meta["name"], meta["uid"], version=meta["resourceVersion"])
