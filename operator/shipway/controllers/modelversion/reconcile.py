"""What to do about a ModelVersion: pure, from its status, its verify pod and the clock.

The verdict is in the status before the pod is deleted; how often and when verification failed is there too, so that a
restart of the operator neither forgets a verdict nor tries again early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from shipway.api import labels
from shipway.api.conditions import Type, Verdict, find, merge, rfc3339, seconds
from shipway.api.v1alpha1.model import Quarantine
from shipway.api.v1alpha1.modelversion import ConditionType, ModelVersionSpec, ModelVersionStatus, Reason
from shipway.controllers.modelversion import children
from shipway.controllers.modelversion.checks import (
    Measured,
    Underway,
    Unreadable,
    outcome,
    retry_after,
    served_by,
)
from shipway.controllers.pod import Pod
from shipway.controllers.quarantine import quarantined
from shipway.kube.resource import MODEL_VERSION, POD, Object
from shipway.runtime.plan import Create, Delete, Note, Plan, Refusal, Write

LOOK_AGAIN_SECONDS = 2.0
MAX_TEXT = 1024


@dataclass(frozen=True)
class Snapshot:
    """Everything a decision is made from.

    Attributes:
        version: The ModelVersion.
        pod: The pod with the name of its verify pod, whoever owns it.
        has_model: Whether its Model exists.
        deployments: The ServingDeployments of its model.
        incidents: The Incidents about its model.
        now: Unix seconds.
        workloads_image: Image of the verify pod.
    """

    version: Object
    pod: Pod | None
    has_model: bool
    deployments: tuple[Object, ...]
    incidents: tuple[Object, ...]
    now: float
    workloads_image: str

    @cached_property
    def spec(self) -> ModelVersionSpec:
        """The spec as a model."""
        return ModelVersionSpec.model_validate(self.version["spec"])

    @cached_property
    def stored(self) -> ModelVersionStatus:
        """The status as it is stored."""
        return ModelVersionStatus.model_validate(self.version.get("status", {}))

    @property
    def own_pod(self) -> Pod | None:
        """The verify pod, if it belongs to this very ModelVersion."""
        return self.pod if self.pod and self.pod.owner == self.version["metadata"]["uid"] else None


@dataclass(frozen=True)
class _Finding:
    """What is known of the digest: verified is None while nothing is."""

    reason: Reason
    message: str
    verified: bool | None = None


def reconcile(s: Snapshot) -> Plan:
    """The next thing to do, or nothing."""
    if "deletionTimestamp" in s.version["metadata"]:
        return Plan()
    if s.stored.verified_digest:
        return _decide(s, s.stored, _compare(s, s.stored.verified_digest), writes=_clear(s))
    if s.own_pod is None:
        return _begin(s)
    match outcome(s.own_pod):
        case Underway(hindrance):
            return _decide(s, s.stored, _reading(s.stored, _underway(s.own_pod, hindrance)))
        case Measured(digest, at):
            return _conclude(s, digest, at)
        case Unreadable(message, at):
            return _try_later(s, message, at)


def _begin(s: Snapshot) -> Plan:
    due = _due(s.stored)
    if due is not None and s.now < due:
        return _decide(s, s.stored, _unreadable(s.stored), requeue_after=due - s.now)
    if s.pod is not None:
        message = f"pod {s.pod.name} of an earlier ModelVersion with this name is still there; waiting for its end"
        clear = _delete(s.pod) if _lost_its_owner(s.pod) else ()
        return _decide(s, s.stored, _Finding(Reason.VERIFYING, message), writes=clear, requeue_after=LOOK_AGAIN_SECONDS)
    pod = children.verify_pod(s.version, s.spec, image=s.workloads_image)
    create = Create(POD, pod, read_as_sent=True)
    finding = _reading(s.stored, f"pod {pod['metadata']['name']} reads {s.spec.source.uri}")
    return _decide(s, s.stored, finding, writes=(create,), requeue_after=LOOK_AGAIN_SECONDS)


def _conclude(s: Snapshot, digest: str, at: float) -> Plan:
    status = s.stored.model_copy(
        update={
            "verified_digest": digest,
            "verified_at": rfc3339(at),
            "failed_verifications": 0,
            "last_failed_at": None,
            "message": "",
        }
    )
    finding = _compare(s, digest)
    note = Note("Normal" if finding.verified else "Warning", finding.reason, finding.message)
    return _decide(s, status, finding, events=(note,), requeue_after=0.0)


def _try_later(s: Snapshot, message: str, at: float) -> Plan:
    if s.stored.last_failed_at == rfc3339(at):
        return _decide(s, s.stored, _unreadable(s.stored), writes=_clear(s), requeue_after=_wait(s.stored, s.now))
    status = s.stored.model_copy(
        update={
            "failed_verifications": s.stored.failed_verifications + 1,
            "last_failed_at": rfc3339(at),
            "message": message[:MAX_TEXT],
        }
    )
    note = Note("Warning", Reason.ARTIFACT_UNREADABLE, message)
    return _decide(s, status, _unreadable(status), events=(note,), requeue_after=0.0)


def _compare(s: Snapshot, digest: str) -> _Finding:
    if digest != s.spec.digest:
        cure = "publish the artifact again under a new version"
        message = f"the artifact at {s.spec.source.uri} has digest {digest}, spec.digest says {s.spec.digest}; {cure}"
        return _Finding(Reason.DIGEST_MISMATCH, message, verified=False)
    return _Finding(Reason.VERIFIED, f"the artifact at {s.spec.source.uri} has the digest of the spec", verified=True)


def _reading(status: ModelVersionStatus, message: str) -> _Finding:
    # A further try keeps the reason of the last one in sight.
    if status.failed_verifications:
        return _Finding(
            Reason.ARTIFACT_UNREADABLE, f"{status.message}; try {status.failed_verifications + 1}: {message}"
        )
    return _Finding(Reason.VERIFYING, message)


def _unreadable(status: ModelVersionStatus) -> _Finding:
    due = _due(status)
    again = f"; try {status.failed_verifications + 1} at {rfc3339(due)}" if due else ""
    return _Finding(Reason.ARTIFACT_UNREADABLE, f"{status.message}{again}")


def _due(status: ModelVersionStatus) -> float | None:
    if status.last_failed_at is None:
        return None
    return seconds(status.last_failed_at) + retry_after(status.failed_verifications)


def _wait(status: ModelVersionStatus, now: float) -> float:
    due = _due(status)
    # Never at once: while a pod is slow to go, its key would keep every other from being looked at.
    return LOOK_AGAIN_SECONDS if due is None else max(LOOK_AGAIN_SECONDS, due - now)


def _underway(pod: Pod, hindrance: str) -> str:
    why = f": {hindrance}" if hindrance else ""
    return f"pod {pod.name} reads the artifact, since {rfc3339(pod.created_at)}{why}"


def _clear(s: Snapshot) -> tuple[Write, ...]:
    return _delete(s.own_pod) if s.own_pod else ()


def _delete(pod: Pod) -> tuple[Write, ...]:
    return () if pod.deleting else (Delete(POD, pod.namespace, pod.name, pod.uid),)


def _lost_its_owner(pod: Pod) -> bool:
    """Whether a restore made a verify pod anew and nobody would ever delete it."""
    return not pod.owner and pod.labels.get(labels.KIND) == MODEL_VERSION.kind


def _decide(
    s: Snapshot,
    status: ModelVersionStatus,
    finding: _Finding,
    *,
    writes: tuple[Write, ...] = (),
    events: tuple[Note, ...] = (),
    requeue_after: float | None = None,
) -> Plan:
    def refused(refusal: Refusal) -> Object:
        message = f"the API server refuses the verify pod: {refusal.message}"
        return _told(s, status, _Finding(Reason.POD_REFUSED, message)).to_wire()

    decided = _told(s, status, finding)
    lacks = _lacks_model(decided) and not _lacks_model(s.stored)
    missing = (Note("Warning", Reason.MODEL_MISSING, _no_model(s)),) if lacks else ()
    return Plan(
        writes=writes,
        status=decided.to_wire(),
        events=(*events, *missing),
        requeue_after=requeue_after,
        refused=refused,
    )


def _lacks_model(status: ModelVersionStatus) -> bool:
    ready = find(status.conditions, Type.READY)
    return ready is not None and ready.reason == Reason.MODEL_MISSING


def _told(s: Snapshot, status: ModelVersionStatus, finding: _Finding) -> ModelVersionStatus:
    generation = int(s.version["metadata"].get("generation", 0))
    verdicts = [*_readiness(s, finding), *_digest(finding), _quarantine(s)]
    return status.model_copy(
        update={
            "observed_generation": generation,
            "conditions": merge(status.conditions, verdicts, generation=generation, now=s.now),
            "served_by": served_by(s.deployments, s.spec),
        }
    )


def _readiness(s: Snapshot, finding: _Finding) -> Sequence[Verdict]:
    reason, message = finding.reason, finding.message
    if finding.verified and not s.has_model:
        reason, message = Reason.MODEL_MISSING, _no_model(s)
    if finding.verified and s.has_model:
        return [Verdict(Type.READY, True, reason, message)]
    abnormal = Type.STALLED if finding.verified is False else Type.RECONCILING
    return [Verdict(Type.READY, False, reason, message), Verdict(abnormal, True, reason, message)]


def _digest(finding: _Finding) -> Sequence[Verdict]:
    return [Verdict(ConditionType.DIGEST_VERIFIED, finding.verified, finding.reason, finding.message)]


def _quarantine(s: Snapshot) -> Verdict:
    held = [q for q in quarantined(s.incidents, model=s.spec.model_name) if q.digest == s.spec.digest]
    if not held:
        return Verdict(ConditionType.QUARANTINED, False, Reason.NOT_QUARANTINED)
    return Verdict(ConditionType.QUARANTINED, True, Reason.QUARANTINED, _held(held[-1]))


def _held(quarantine: Quarantine) -> str:
    return f"{quarantine.reason} (Incident {quarantine.incident}, since {quarantine.since})"


def _no_model(s: Snapshot) -> str:
    return f"there is no Model {s.spec.model_name} in this namespace; create it, with the team that owns it"
