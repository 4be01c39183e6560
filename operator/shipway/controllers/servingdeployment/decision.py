"""What a decision is, and the two most important ones: take a version back, and let it pass."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import (
    Abort,
    Reason,
    RolloutStatus,
    ServingDeploymentStatus,
    StepRecord,
    Verb,
    VersionRef,
    Weights,
    incident_name,
)
from shipway.controllers.servingdeployment.situation import Mark, Situation, same
from shipway.controllers.servingdeployment.steps import Stage, hash_of
from shipway.controllers.servingdeployment.twin import is_asked_for, twin_of
from shipway.integrations.kserve import short_hash
from shipway.runtime.plan import Note

HISTORY_LIMIT = 64
KEPT_LIMIT = 5


@dataclass(frozen=True)
class Rollback:
    """Send all traffic back, before anything else is written.

    Attributes:
        mark: The decision, for the route and the Incident; None when the version was not at fault but replaced.
        subject: The version that is taken back.
    """

    subject: VersionRef
    mark: Mark | None = None


@dataclass(frozen=True)
class Lift:
    """Release a held version again."""

    incidents: tuple[str, ...]
    by: str
    reason: str
    at: float


@dataclass(frozen=True)
class Undone:
    """A person goes back from a version that was stable: its Incident, which holds it, is written first.

    Attributes:
        subject: The version that is left.
        instead: The version that is gone back to.
        incident: Name of the Incident.
        mark: Who, when and why.
    """

    subject: VersionRef
    instead: VersionRef
    incident: str
    mark: Mark


@dataclass(frozen=True)
class Decision:
    """The next status, and what must be written before it."""

    status: ServingDeploymentStatus
    rollback: Rollback | None = None
    lift: Lift | None = None
    undone: Undone | None = None
    notes: tuple[Note, ...] = ()


def later(at: float) -> str:
    """A time that is never before `at`: a wait counted from it is never shorter than declared."""
    return rfc3339(ceil(at))


def with_rollout(status: ServingDeploymentStatus, **changes: Any) -> ServingDeploymentStatus:
    """The status with some fields of its rollout changed."""
    assert status.rollout is not None
    return status.model_copy(update={"rollout": status.rollout.model_copy(update=changes)})


def begin(s: Situation, ref: VersionRef, *, undo: bool = False) -> ServingDeploymentStatus:
    """Begin to release a version beside stable, at the size stable has."""
    stable = s.status.stable
    candidate = ref.model_copy(update={"since": rfc3339(s.now), "min_replicas": _as_many_as(s, stable)})
    rollout = RolloutStatus(
        id=new_id(s, ref),
        version=ref.version,
        inference_service=ref.inference_service,
        baseline=stable.version if stable else "",
        undo=undo,
        state="Starting",
        started_at=rfc3339(s.now),
    )
    twin = None
    if stable and not undo and is_asked_for(s.spec.rollout):
        twin = twin_of(stable, rollout=rollout.id, candidate=candidate, now=s.now)
    changes = {"candidate": candidate, "twin": twin, "rollback_target": None, "rollout": rollout, "queued_at": None}
    return s.status.model_copy(update=changes)


def take_back(s: Situation, mark: Mark) -> Decision:
    """Abort the rollout: route first; the stable version's objects are not touched."""
    rollout, subject = _under_way(s)
    incident = incident_name(s.name, rollout)
    status = _fallen_back(s, state="Aborted")
    abort = abort_of(subject, mark, incident=incident)
    answering = s.fallback.version if s.fallback else "nobody"
    note = Note("Warning", Reason.ROLLED_BACK, f"{subject.version} taken back to {answering}: {mark.message}"[:1024])
    lift = _undo_called_off(s, mark)
    return Decision(status.model_copy(update={"abort": abort}), Rollback(subject, mark), lift=lift, notes=(note,))


def abort_of(ref: VersionRef, mark: Mark, *, incident: str) -> Abort:
    """What the status says of a version that does not answer any more, or is about to be left."""
    return Abort(
        at=rfc3339(mark.at),
        version=ref.version,
        digest=ref.digest,
        predictor_hash=ref.predictor_hash,
        reason=mark.reason,
        gate=mark.gate,
        message=mark.message[:1024],
        incident=incident,
    )


def replace(s: Situation, why: str) -> Decision:
    """Give up a rollout because another version is wanted: nobody's fault, no Incident."""
    _, subject = _under_way(s)
    note = Note("Normal", Reason.SUPERSEDED, f"{subject.version} is no longer released: {why}")
    return Decision(_fallen_back(s, state="Superseded"), Rollback(subject), notes=(note,))


def enter(s: Situation, stage: Stage) -> Decision:
    """Enter a stage: this status first, the route then, and the clock starts when the route is read back."""
    rollout, subject = _under_way(s)
    status = with_rollout(
        s.status,
        state="Stepping",
        step_index=stage.index,
        step_hash=hash_of(s.stages),
        step_started_at=None,
        weights=Weights(desired=stage.weight, observed=rollout.weights.observed),
        mirror=stage.mirror,
        paused_at=None,
        paused_seconds=0,
        wait_skipped=False,
        hold_since=None,
        history=_closed(s, rollout),
    )
    if not rollout.step_hash:
        took = max(0, round(s.elapsed(rollout.started_at)) - rollout.paused_seconds)
        status = status.model_copy(update={"candidate": subject.model_copy(update={"start_seconds": took})})
    what = "is mirrored" if stage.mirror else f"goes to {stage.weight} %"
    note = Note("Normal", Reason.PROGRESSING, f"{subject.version} {what}")
    return Decision(status, notes=(note,))


def promote(s: Situation) -> Decision:
    """Make the candidate the stable version; the old one is kept at its size until the bake ends."""
    rollout, candidate = _under_way(s)
    bakes = bool(rollout.baseline) and s.spec.rollout.bake_seconds > 0
    old = s.status.stable
    pinned = old and old.model_copy(update={"min_replicas": _size(s, old)})
    stable = candidate.model_copy(update={"since": rfc3339(s.now), "baked": not bakes})
    promoted = s.status.model_copy(
        update={"stable": stable, "candidate": None, "twin": None, "rollback_target": pinned if bakes else None}
    )
    status = with_rollout(
        promoted,
        state="Baking" if bakes else "Completed",
        step_started_at=later(s.now),
        finished_at=None if bakes else rfc3339(s.now),
        wait_skipped=False,
        hold_since=None,
        history=_closed(s, rollout),
    )
    if not bakes:
        status = _unpinned(_keeping(status, old))
    return Decision(status, notes=(Note("Normal", Reason.PROMOTED, f"{candidate.version} is the stable version now"),))


def complete(s: Situation) -> Decision:
    """End the bake: the old version is no longer needed."""
    _, subject = _under_way(s)
    stable = subject.model_copy(update={"baked": True})
    status = s.status.model_copy(update={"stable": stable, "rollback_target": None})
    status = with_rollout(status, state="Completed", finished_at=rfc3339(s.now), wait_skipped=False, hold_since=None)
    status = _unpinned(_keeping(status, s.status.rollback_target))
    return Decision(status, notes=(Note("Normal", Reason.SERVING, f"{stable.version} has passed its bake"),))


def new_id(s: Situation, ref: VersionRef) -> str:
    """The id of a rollout that begins now; no two of a deployment share one."""
    start = ceil(s.now)
    name = f"{ref.version}-{short_hash(ref.digest, ref.predictor_hash, length=6)}"
    if s.status.rollout is not None:
        # Versions may come and go within a second, and clocks go back.
        start = max(start, int(s.status.rollout.id.rpartition("-")[2]) + 1)
    return f"{name}-{start}"


def _undo_called_off(s: Situation, mark: Mark) -> Lift | None:
    """A person calls an undo off: the version that was to be left may answer on, and its Incident holds it no more."""
    undone = s.status.abort
    called_off = s.rollout is not None and s.rollout.undo and mark.reason == "Aborted"
    if not called_off or undone is None or undone.gate != Verb.UNDO:
        return None
    by = s.action.who if s.action and s.action.known is Verb.ABORT else "unknown"
    return Lift((undone.incident,), by=by, reason=f"the undo was {mark.message}", at=mark.at)


def _under_way(s: Situation) -> tuple[RolloutStatus, VersionRef]:
    assert s.rollout is not None
    assert s.subject is not None
    return s.rollout, s.subject


def _fallen_back(s: Situation, *, state: str) -> ServingDeploymentStatus:
    rollout, _ = _under_way(s)
    stable = s.fallback and s.fallback.model_copy(update={"min_replicas": None})
    status = s.status.model_copy(update={"stable": stable, "candidate": None, "twin": None, "rollback_target": None})
    return with_rollout(
        status,
        state=state,
        finished_at=rfc3339(s.now),
        weights=Weights(desired=0, observed=rollout.weights.observed),
        mirror=False,
        paused_at=None,
        hold_since=None,
        unready_since=None,
        history=_closed(s, rollout),
    )


def _closed(s: Situation, rollout: RolloutStatus) -> list[StepRecord]:
    """The history with its last record ended, unless it is already."""
    if not rollout.history or rollout.history[-1].ended_at:
        return rollout.history
    last = rollout.history[-1].model_copy(
        update={"ended_at": rfc3339(s.now), "requests": s.findings.evidence.candidate.trials}
    )
    return [*rollout.history[:-1], last]


def _keeping(status: ServingDeploymentStatus, old: VersionRef | None) -> ServingDeploymentStatus:
    """The status with the old stable among the versions that may be gone back to, and the new one no more."""
    others = [ref for ref in status.kept if not same(ref, status.stable) and not same(ref, old)]
    newest = [old.model_copy(update={"min_replicas": None})] if old else []
    return status.model_copy(update={"kept": [*newest, *others][:KEPT_LIMIT]})


def _as_many_as(s: Situation, stable: VersionRef | None) -> int | None:
    """Replicas the new version is held at: as many as stable has now, since in the end it takes all of its traffic."""
    least = s.spec.predictor.min_replicas
    ready = min(s.fleet(stable).ready, s.spec.predictor.max_replicas)
    return ready if ready > least else None


def _size(s: Situation, ref: VersionRef) -> int:
    return max(s.spec.predictor.min_replicas, s.fleet(ref).ready)


def _unpinned(status: ServingDeploymentStatus) -> ServingDeploymentStatus:
    stable = status.stable and status.stable.model_copy(update={"min_replicas": None})
    return status.model_copy(update={"stable": stable})
