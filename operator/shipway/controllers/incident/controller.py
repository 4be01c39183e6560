"""The edge of the Incident reconciler."""

from collections.abc import Iterable, Sequence

from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import INCIDENT, OWN, SERVING_DEPLOYMENT, Key, Object
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan


def _of_abort(sdep: Object, _: Cache) -> Iterable[Key]:
    abort = ServingDeploymentStatus.model_validate(sdep.get("status") or {}).abort
    if abort is not None and abort.incident:
        yield Key(INCIDENT.kind, sdep["metadata"]["namespace"], abort.incident)


class IncidentController(Controller):
    """Keeps the status of incidents: mitigated, acknowledged, lifted."""

    resource = INCIDENT
    watches: Sequence[Watch] = (Watch(SERVING_DEPLOYMENT, _of_abort),)

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache knows."""
        incident = cache.get(INCIDENT, key.namespace, key.name)
        if incident is None:
            return None
        subject = incident["spec"]["subject"]
        about = OWN.get(subject["kind"])
        found = cache.get(about, key.namespace, subject["name"]) if about else None
        alive = found is not None and found["metadata"]["uid"] == subject.get("uid")
        return reconcile(Snapshot(incident, found if alive else None, now))
