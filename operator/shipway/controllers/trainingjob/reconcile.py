"""What to do about a TrainingJob: pure, from its status, its pods and the clock.

One status write is the turning point of everything that must happen once: it closes an attempt and opens the next
before any pod is deleted or created, so that a crash anywhere finds either the old attempt or the new one, never
neither and never both. The first attempt has none before it to confuse it with: there its pods are record enough, and
the status waits until there is something to tell.
"""

from dataclasses import replace

from pydantic import ValidationError

from shipway.api.conditions import rfc3339, seconds
from shipway.api.v1alpha1.trainingjob import Attempt, Cause, Progress, Reason, TrainingJobStatus
from shipway.controllers.trainingjob import children, hanging
from shipway.controllers.trainingjob.checks import Loss, Undecided, find_loss, version_conflict
from shipway.controllers.trainingjob.deadline import deadline, soonest, until_deadline
from shipway.controllers.trainingjob.rendezvous import meeting_point, shared_service
from shipway.controllers.trainingjob.restored import made_before, newest_attempt, strays
from shipway.controllers.trainingjob.result import Invalid, Result, parse_result
from shipway.controllers.trainingjob.snapshot import Snapshot
from shipway.controllers.trainingjob.starting import patience, starting, waits
from shipway.controllers.trainingjob.status import (
    State,
    closed,
    current,
    finished,
    progress_due,
    told,
    with_attempt,
    with_last_attempt,
    with_progress,
)
from shipway.controllers.trainingjob.wording import at_step, ended, from_checkpoint, too_late
from shipway.controllers.trainingjob.writes import attempt_of, leftovers
from shipway.kube.resource import MODEL_VERSION, POD, Object
from shipway.runtime.plan import Create, Note, Plan, Refusal, Write

BLOCKED_RETRY_SECONDS = 2.0


def reconcile(s: Snapshot) -> Plan:
    """The next thing to do, or nothing."""
    if "deletionTimestamp" in s.job["metadata"]:
        return Plan()
    plan = _decision(s)
    return replace(plan, writes=(*strays(s.orphans), *hanging.call(s), *plan.writes))


def _decision(s: Snapshot) -> Plan:
    if finished(s.stored):
        return _rest(s)
    if current(s.stored) is not None:
        return _pursue(s)
    untold = newest_attempt(s.pods) > s.stored.attempt
    return _rest_suspended(s) if s.spec.suspend and not untold else _begin(s)


def _pursue(s: Snapshot) -> Plan:
    attempt = current(s.stored)
    assert attempt is not None, "checked by the caller"
    if len(s.ranks) == s.spec.nodes and all(pod.phase == "Succeeded" for pod in s.ranks.values()):
        return _publish(s)
    if s.spec.suspend:
        return _suspend(s)
    if (end := deadline(s)) is not None and s.now >= end:
        return _fail(
            s,
            s.stored,
            Reason.DEADLINE_EXCEEDED,
            too_late(s.spec, with_progress(s.stored, s.report)),
            cause=Cause.DEADLINE_EXCEEDED,
        )
    created_at = seconds(attempt.pods_created_at) if attempt.pods_created_at else None
    match find_loss(s.ranks, names=s.names, created_at=created_at, now=s.now):
        case Loss() as loss:
            return _lose(s, loss)
        case Undecided(until):
            return Plan(requeue_after=until - s.now)
        case None:
            return _run(s, attempt)


def _rest(s: Snapshot) -> Plan:
    status = s.stored.model_copy(
        update={
            "observed_generation": _generation(s),
            "conditions": [c.model_copy(update={"observed_generation": _generation(s)}) for c in s.stored.conditions],
        }
    )
    return Plan(writes=leftovers(s.pods, newest=s.stored.attempt), status=status.to_wire())


def _rest_suspended(s: Snapshot) -> Plan:
    step = f" at step {s.stored.progress.step}" if s.stored.progress else ""
    message = f"suspended{step}; set spec.suspend to false to go on from the last checkpoint"
    # A suspended run may use its whole grace to end well; the pods of a lost attempt have nothing left to do.
    clear = leftovers(s.pods, newest=s.stored.attempt, grace_seconds=None)
    return _decide(s, s.stored, State(Reason.SUSPENDED, message, ready=True), writes=clear)


def _begin(s: Snapshot) -> Plan:
    if s.model_version and made_before(s.job, s.spec, s.model_version):
        return _was_done_before(s)
    uid = s.job["metadata"]["uid"]
    conflict = s.model_version and version_conflict(s.model_version, job_uid=uid, digest=None)
    if conflict:
        return _fail(s, s.stored, Reason.VERSION_CONFLICT, conflict)
    opened = _opened(s)
    tell = _decide(s, opened, starting(s, opened), requeue_after=0.0)
    return _unless_told(s, tell) if s.stored.observed_generation < 0 else tell


def _opened(s: Snapshot) -> TrainingJobStatus:
    status = s.stored
    if status.attempts and (stopped := status.attempts[-1].ended_at):
        paused = max(0, int(s.now - seconds(stopped)))
        status = status.model_copy(update={"suspended_seconds": status.suspended_seconds + paused})
    # Pods of an attempt that no status tells of know better what runs in them and since when than an operator that has
    # been restarted, or upgraded, since.
    untold = [pod for pod in s.pods if attempt_of(pod) > status.attempt]
    image = status.image or s.spec.image or next((pod.image for pod in untold), s.workloads_image)
    began = min((pod.created_at for pod in untold), default=s.now)
    opened = with_attempt(status, now=min(began, s.now), newest=newest_attempt(s.pods))
    return opened.model_copy(update={"image": image})


def _unless_told(s: Snapshot, tell: Plan) -> Plan:
    """The plan that follows the opening of the first attempt; the opening itself where that plan changes more than it.

    A status write is half of what a training costs the control plane, and most attempts run within seconds.
    """
    plan = _pursue(replace(s, stored=TrainingJobStatus.model_validate(tell.status)))
    status = TrainingJobStatus.model_validate(plan.status or {})
    if plan.status is not None and current(status) is None:
        return tell
    return replace(plan, status=None) if plan.status == tell.status else plan


def _was_done_before(s: Snapshot) -> Plan:
    name = children.version_name(s.spec)
    status = s.stored.model_copy(update={"completion_time": rfc3339(s.now), "model_version": name})
    message = f"ModelVersion {name} was made by a job of this name and spec before; nothing is trained again"
    note = Note("Normal", Reason.COMPLETED, message)
    return _decide(s, status, State(Reason.COMPLETED, message, ready=True, succeeded=True), events=(note,))


def _restart(s: Snapshot, status: TrainingJobStatus, message: str) -> Plan:
    state, note = State(Reason.RESTARTING, message), Note("Warning", Reason.RESTARTING, message)
    return _decide(s, with_attempt(status, now=s.now), state, events=(note,), requeue_after=0.0)


def _run(s: Snapshot, attempt: Attempt) -> Plan:
    blocked = [name for name in s.names if name in s.strangers]
    if blocked:
        message = f"pod {blocked[0]} of an earlier job with this name is still there; waiting for it to be gone"
        return _decide(s, s.stored, State(Reason.PODS_PENDING, message), requeue_after=BLOCKED_RETRY_SECONDS)
    clear = leftovers(s.pods, newest=s.stored.attempt, keep=attempt.attempt)
    missing = [rank for rank in range(s.spec.nodes) if rank not in s.ranks]
    if missing:
        # Missing means not created yet: `find_loss` has judged those that had been seen.
        return _create(s, attempt, clear, missing)
    status, writes = s.stored, (*clear, *_meet(s))
    waiting = waits(s)
    if attempt.pods_created_at is None and (wait := patience(s, waiting)) > 0:
        return _decide(s, status, starting(s, status), writes=writes, requeue_after=wait)
    if attempt.pods_created_at is None:
        status = with_last_attempt(status, pods_created_at=rfc3339(s.now))
    if waiting is not None:
        return _decide(s, status, waiting, writes=writes, requeue_after=until_deadline(s))
    return _go_on(s, status, writes)


def _go_on(s: Snapshot, status: TrainingJobStatus, writes: tuple[Write, ...]) -> Plan:
    """No pod waits: whether the training makes steps is what is left to see."""
    hang = hanging.seen(s)
    if (loss := hanging.loss(s, hang)) is not None:
        return _lose(s, loss)
    return _decide(
        s,
        status.model_copy(update={"hang": hang}),
        hanging.state(s, hang),
        writes=writes,
        events=hanging.notes(s, hang),
        requeue_after=soonest(until_deadline(s), hanging.look_again(s, hang)),
    )


def _create(s: Snapshot, attempt: Attempt, clear: tuple[Write, ...], missing: list[int]) -> Plan:
    pods = tuple(
        Create(
            POD,
            children.training_pod(
                s.job,
                s.spec,
                attempt=attempt.attempt,
                rank=rank,
                image=s.stored.image,
                progress_url=s.progress_url,
            ),
            read_as_sent=True,
        )
        for rank in missing
    )
    return _decide(
        s,
        s.stored,
        starting(s, s.stored),
        writes=(*clear, *shared_service(s.job, s.spec, s.service), *pods),
        requeue_after=BLOCKED_RETRY_SECONDS,
        refusable=True,
    )


def _lose(s: Snapshot, loss: Loss) -> Plan:
    # With the newest report, so that the record of the attempt names the last step that was heard of.
    status = closed(with_progress(s.stored, s.report), loss.cause, now=s.now, loss=loss)
    told_by = f"{ended(status.attempts[-1])}: {loss.sentence()}"
    if status.restarts >= s.spec.max_restarts:
        used = f"{status.restarts} of {s.spec.max_restarts} restarts (spec.maxRestarts) are used"
        return _fail(s, status, Reason.BACKOFF_LIMIT_EXCEEDED, f"{told_by}; {used}")
    status = status.model_copy(update={"restarts": status.restarts + 1})
    count = f"restart {status.restarts} of {s.spec.max_restarts}{from_checkpoint(status)}"
    return _restart(s, status, f"{told_by}; {count}")


def _suspend(s: Snapshot) -> Plan:
    status = closed(with_progress(s.stored, s.report), Cause.SUSPENDED, now=s.now)
    message = f"attempt {status.attempt} is being stopped{at_step(status)}"
    note = Note("Normal", Reason.SUSPENDED, message)
    return _decide(s, status, State(Reason.SUSPENDED, message), events=(note,), requeue_after=0.0)


def _publish(s: Snapshot) -> Plan:
    last_words = s.ranks[0].ended
    result = parse_result(last_words.message if last_words else "", needs_artifact=s.spec.output is not None)
    status = closed(with_progress(s.stored, s.report), Cause.COMPLETED, now=s.now)
    if isinstance(result, Invalid):
        return _fail(s, status, Reason.RESULT_INVALID, result.message)
    if s.spec.output is None or result.artifact is None:
        return _complete(s, status, result)
    if s.model_version is None:
        return _create_version(s, result)
    uid, digest = s.job["metadata"]["uid"], result.artifact.digest
    conflict = version_conflict(s.model_version, job_uid=uid, digest=digest)
    if conflict:
        return _fail(s, status, Reason.VERSION_CONFLICT, conflict)
    return _complete(s, status, result)


def _create_version(s: Snapshot, result: Result) -> Plan:
    assert result.artifact is not None, "checked by the caller"
    try:
        body = children.model_version(
            s.job,
            s.spec,
            result=result,
            artifact=result.artifact,
            image=s.stored.image,
            attempts=s.stored.attempt,
        )
    except ValidationError as error:
        return _fail(s, s.stored, Reason.RESULT_INVALID, f"the result does not fit into a ModelVersion: {error}")
    name = children.version_name(s.spec)
    state = State(Reason.PUBLISHING, f"training is done; ModelVersion {name} is being made")
    # The version is read back before success is told: another one may bear the name.
    return _decide(
        s,
        s.stored,
        state,
        writes=(Create(MODEL_VERSION, body),),
        requeue_after=BLOCKED_RETRY_SECONDS,
        refusable=True,
    )


def _complete(s: Snapshot, status: TrainingJobStatus, result: Result) -> Plan:
    name = children.version_name(s.spec)
    status = status.model_copy(
        update={
            "completion_time": rfc3339(s.now),
            "loss_trace_digest": result.loss_trace_digest,
            "model_version": name or None,
            "progress": _final(s, status, result),
        }
    )
    status = with_last_attempt(status, step=result.step if result.step is not None else status.attempts[-1].step)
    made = f"; ModelVersion {name} was made" if name else ""
    message = f"training finished{at_step(status)} in attempt {status.attempt}{made}"
    note = Note("Normal", Reason.COMPLETED, message)
    return _decide(s, status, State(Reason.COMPLETED, message, ready=True, succeeded=True), events=(note,))


def _final(s: Snapshot, status: TrainingJobStatus, result: Result) -> Progress | None:
    before = status.progress or Progress()
    if result.step is None:
        return status.progress
    return before.model_copy(
        update={
            "step": result.step,
            "total_steps": max(before.total_steps, result.step),
            "loss": result.loss or before.loss,
            "time": rfc3339(s.now),
            "attempt": status.attempt,
        }
    )


def _fail(s: Snapshot, status: TrainingJobStatus, reason: Reason, message: str, *, cause: Cause = Cause.ERROR) -> Plan:
    if current(status):
        status = closed(with_progress(status, s.report), cause, now=s.now)
    status = status.model_copy(update={"completion_time": rfc3339(s.now)})
    note = Note("Warning", reason, message)
    return _decide(s, status, State(reason, message, failed=True), events=(note,), requeue_after=0.0)


def _decide(
    s: Snapshot,
    status: TrainingJobStatus,
    state: State,
    *,
    writes: tuple[Write, ...] = (),
    events: tuple[Note, ...] = (),
    requeue_after: float | None = None,
    refusable: bool = False,
) -> Plan:
    def refused(refusal: Refusal) -> Object:
        return _written(s, status, _refused(refusal))

    decided = told(status, state, generation=_generation(s), now=s.now)
    due = progress_due(s.stored, s.report, interval=s.status_interval)
    if due is not None and (due <= s.now or decided != s.stored):
        decided, due = with_progress(decided, s.report), None
    return Plan(
        writes=writes,
        status=decided.to_wire(),
        events=events,
        requeue_after=soonest(requeue_after, None if due is None else due - s.now),
        refused=refused if refusable else None,
    )


def _written(s: Snapshot, status: TrainingJobStatus, state: State) -> Object:
    if state.failed:
        status = status.model_copy(update={"completion_time": rfc3339(s.now)})
        if current(status):
            status = closed(status, Cause.ERROR, now=s.now)
    return told(status, state, generation=_generation(s), now=s.now).to_wire()


def _refused(refusal: Refusal) -> State:
    if refusal.write.resource == MODEL_VERSION:
        message = f"the API server refuses the ModelVersion: {refusal.message}"
        if refusal.invalid:
            return State(Reason.RESULT_INVALID, message, failed=True)
        return State(Reason.PUBLISHING, message)
    message = f"the API server refuses a {refusal.write.resource.kind}: {refusal.message}"
    # An invalid pod stays so, since the spec cannot change; what is forbidden may be allowed when quota is free again,
    # and what a namespace's trainings share owes nothing to this one's spec.
    return State(Reason.POD_REFUSED, message, failed=refusal.invalid and refusal.write.resource == POD)


def _meet(s: Snapshot) -> tuple[Write, ...]:
    shared = shared_service(s.job, s.spec, s.service)
    return (*shared, *meeting_point(s.job, s.spec, s.ranks[0], s.meeting))


def _generation(s: Snapshot) -> int:
    return int(s.job["metadata"].get("generation", 0))
