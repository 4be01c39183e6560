"""Which Incidents are history, and how much of it is kept: pure."""

from collections.abc import Iterable

from shipway.api.conditions import Type, is_true
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.controllers.incident.course import MITIGATED
from shipway.kube.resource import INCIDENT, Object
from shipway.runtime.plan import Delete

KEPT = 20
"""Closed Incidents kept of each Model, the newest."""
KEPT_OVER = 100
"""Incidents that are over kept of each Model, the newest, whether anybody has acknowledged them or not."""


def is_over(spec: IncidentSpec, status: IncidentStatus) -> bool:
    """Whether the harm has ended and no version is held by it, so that only people may still want it."""
    holds = spec.quarantine and status.lifted is None
    return is_true(status.conditions, MITIGATED) and not holds


def too_old(
    incidents: Iterable[Object], *, model: str, kept: int = KEPT, kept_over: int = KEPT_OVER
) -> tuple[Delete, ...]:
    """The deletions that leave the newest Incidents of a Model, and every one that is not over, the oldest first.

    Each names the version that was looked at: an Incident that somebody has touched since then is looked at again.

    Args:
        incidents: Those of the namespace.
        model: The Model.
        kept: How many that are closed stay: over, and acknowledged where somebody has to.
        kept_over: How many that are over stay.
    """
    over = [incident for incident in incidents if incident["spec"]["model"] == model and _is_over(incident)]
    oldest_first = sorted(over, key=_age)
    closed = [incident for incident in oldest_first if is_true(_status(incident).conditions, Type.READY)]
    old = _uids(closed, kept) | _uids(oldest_first, kept_over)
    return tuple(_deletion(incident["metadata"]) for incident in oldest_first if incident["metadata"]["uid"] in old)


def _uids(oldest_first: list[Object], kept: int) -> set[str]:
    """Of those that are too many."""
    return {incident["metadata"]["uid"] for incident in oldest_first[: max(0, len(oldest_first) - kept)]}


def _is_over(incident: Object) -> bool:
    spec = IncidentSpec.model_validate(incident["spec"])
    return "deletionTimestamp" not in incident["metadata"] and is_over(spec, _status(incident))


def _status(incident: Object) -> IncidentStatus:
    return IncidentStatus.model_validate(incident.get("status") or {})


def _age(incident: Object) -> tuple[str, str]:
    return incident["spec"]["detectedAt"], incident["metadata"]["name"]


def _deletion(meta: Object) -> Delete:
    return Delete(INCIDENT, meta["namespace"], meta["name"], meta["uid"], version=meta["resourceVersion"])
