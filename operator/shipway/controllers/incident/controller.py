"""The edge of the Incident reconciler."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.controllers.incident.notified import notice, wanted
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.controllers.incident.response import ResponseTimes
from shipway.controllers.ownership import claims
from shipway.integrations.courier import Courier
from shipway.kube.resource import (
    INCIDENT,
    MODEL_VERSION,
    OWN,
    SERVING_DEPLOYMENT,
    TEAM,
    TRAINING_JOB,
    Key,
    Object,
    Resource,
    key_of,
)
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan


def _of_subject(subject: Object, cache: Cache) -> Iterable[Key]:
    """Those that are not over, and the one the release says is open: a release tells news every other second."""
    named = (subject.get("status", {}).get("rollout") or {}).get("errorIncident", "")
    for incident in cache.owned(INCIDENT, key_of(subject)):
        if incident["metadata"]["name"] == named or "mitigatedAt" not in incident.get("status", {}):
            yield key_of(incident)


def _of_team(team: Object, cache: Cache) -> Iterable[Key]:
    for namespace in claims(team):
        for incident in cache.list(INCIDENT, namespace):
            yield Key(INCIDENT.kind, namespace, incident["metadata"]["name"])


class IncidentController(Controller):
    """Keeps the status of incidents, has people told of them, and bounds their number.

    Args:
        response: Takes in how long each took.
        courier: Tells the receivers.
        docs_url: Where our documentation is read; empty where it is nowhere.
    """

    resource = INCIDENT
    watches: Sequence[Watch] = (
        Watch(SERVING_DEPLOYMENT, _of_subject),
        Watch(TRAINING_JOB, _of_subject),
        Watch(TEAM, _of_team),
    )

    def __init__(self, *, response: ResponseTimes, courier: Courier, docs_url: str = "") -> None:
        self._response = response
        self._courier = courier
        self._docs_url = docs_url

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache knows."""
        incident = cache.get(INCIDENT, key.namespace, key.name)
        if incident is None:
            self._courier.forget(key)
            return None
        subject = _subject(incident, cache)
        plan = reconcile(
            Snapshot(
                incident,
                subject,
                now,
                gone=subject is None and cache.has(_kind(incident)),
                teams=tuple(cache.list(TEAM, "")) if cache.has(TEAM) else None,
                others=tuple(cache.list(INCIDENT, key.namespace)),
                receivers=tuple(self._courier.receivers),
                outcomes=self._courier.outcomes(key),
                version=_version(incident, incident["spec"]["version"], cache),
                stable=_version(incident, incident["spec"].get("stableVersion", ""), cache),
                docs_url=self._docs_url,
            )
        )
        if plan.status is None:
            return plan
        status = IncidentStatus.model_validate(plan.status)
        self._note(incident, status)
        self._tell(key, incident, status)
        return replace(plan, requeue_after=self._courier.due_in(key))

    def _tell(self, key: Key, incident: Object, status: IncidentStatus) -> None:
        for name, receiver in self._courier.receivers.items():
            if wanted(status, name, repeated=receiver.refresh_seconds is not None):
                self._courier.deliver(key, name, notice(incident, status))

    def _note(self, incident: Object, after: IncidentStatus) -> None:
        before = IncidentStatus.model_validate(incident.get("status") or {})
        self._response.take(incident["metadata"]["uid"], IncidentSpec.model_validate(incident["spec"]), before, after)


def _version(incident: Object, version: str, cache: Cache) -> Object | None:
    name = f"{incident['spec']['model']}-{version}"
    return cache.get(MODEL_VERSION, incident["metadata"]["namespace"], name) if version else None


def _kind(incident: Object) -> Resource:
    return OWN.get(incident["spec"]["subject"]["kind"], SERVING_DEPLOYMENT)


def _subject(incident: Object, cache: Cache) -> Object | None:
    """What it is about, while it exists: a namesake is another."""
    subject = incident["spec"]["subject"]
    found = cache.get(_kind(incident), incident["metadata"]["namespace"], subject["name"])
    return found if found is not None and found["metadata"]["uid"] == subject.get("uid") else None
