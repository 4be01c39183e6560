"""The state machine of a release: from the status, what is seen and the clock to the next status. One decision a pass.

Each rule looks at the situation and decides, or leaves it to the next one. A status is decided and stored first; the
route follows what is stored. Only taking a version back goes the other way: its first write is the route, and the route
carries the decision, so that whatever crashes then finds it there.
"""

from collections.abc import Callable

from shipway.api.conditions import Type, find, rfc3339
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import Reason, RolloutStatus, StepRecord, Verb, Weights
from shipway.controllers.servingdeployment import blindness, capacity, progress, restarts, steps, verbs
from shipway.controllers.servingdeployment.decision import (
    HISTORY_LIMIT,
    Decision,
    begin,
    complete,
    enter,
    later,
    promote,
    replace,
    take_back,
    with_rollout,
)
from shipway.controllers.servingdeployment.evidence import to_status
from shipway.controllers.servingdeployment.restored import adopt
from shipway.controllers.servingdeployment.situation import Mark, Situation, Wanted, same
from shipway.controllers.servingdeployment.traffic import shares
from shipway.controllers.servingdeployment.turn import SETTLE_SECONDS
from shipway.runtime.plan import Note

MAX_LOSSES = 3
"""Times a version may be left without a ready replica under traffic before it is taken back: each of them moves all
traffic to the others and back, and after the bake there are no others."""


def decide(s: Situation) -> Decision:
    """The first rule that has something to say; the status as it is when none has."""
    for rule in _RULES:
        if (decision := rule(s)) is not None:
            return decision
    return Decision(s.status)


def _finish_taking_back(s: Situation) -> Decision | None:
    """The route says that this rollout was taken back, the status does not yet: we crashed in between."""
    if s.rollout is None or s.mark is None or s.mark.rollout != s.rollout.id:
        return None
    return _taken_back(s, s.mark)


def _stand_by_the_record(s: Situation) -> Decision | None:
    """Its Incident says that it is taken back, and the route was refused until now: whatever the gates say since."""
    if s.rollout is None or s.recorded is None or s.fallback is None:
        return None
    if s.share(s.rollout.inference_service) and not s.fallback_answers:
        return None
    return _taken_back(s, s.recorded)


def _taken_back(s: Situation, mark: Mark) -> Decision:
    """What was decided before, and what came of the `abort` that asked for it."""
    decision, action = take_back(s, mark), verbs.pending(s)
    by_hand = mark.reason == "Aborted" and action is not None and action.known is Verb.ABORT
    told = f"taken back to {s.fallback.version if s.fallback else 'nobody'}"
    return verbs.recorded(s, action, decision, told) if by_hand and action else decision


def _obey(s: Situation) -> Decision | None:
    """Do what a person asks for."""
    action = verbs.pending(s)
    if s.rollout is None or action is None or action.known is not Verb.ABORT:
        return verbs.run(s)
    return _note_exposure(s, s.rollout) or verbs.run(s)


def _make_room(s: Situation) -> Decision | None:
    """Another version is wanted than the one being released."""
    rollout = s.rollout
    if rollout is None or not isinstance(s.wanted, Wanted) or same(s.wanted.ref, s.subject):
        return None
    wanted = s.wanted.ref
    if rollout.undo and (s.hold or same(wanted, s.status.stable)):
        return None  # that is the version a person went back from
    if rollout.state == "Baking":
        return replace(s, f"{wanted.version} is wanted again") if same(wanted, s.status.rollback_target) else None
    if s.share(rollout.inference_service) and not (s.fallback and s.nobody_is_cut_off):
        return None
    return replace(s, f"{wanted.version} is wanted")


def _give_up_a_quarantined(s: Situation) -> Decision | None:
    """The same artifact in the same predictor was taken back elsewhere while it is released here."""
    rollout = s.rollout
    if rollout is None or s.fallback is None or s.hold is None or not s.hold.incidents:
        return None
    if not isinstance(s.wanted, Wanted) or not same(s.wanted.ref, s.status.candidate):
        return None
    if s.share(rollout.inference_service) and not s.nobody_is_cut_off:
        return None
    return replace(s, f"it was quarantined meanwhile by Incident {s.hold.incidents[-1]}")


def _start_clock_anew(s: Situation) -> Decision | None:
    """The cluster has now what it lacked by the last status: only from here on a version can be late."""
    ready = find(s.status.conditions, Type.READY)
    if s.rollout is None or s.rollout.state != "Starting" or ready is None:
        return None
    if s.unequipped or ready.reason not in {Reason.INTEGRATION_MISSING, Reason.INTEGRATION_UNSUPPORTED}:
        return None
    return Decision(with_rollout(s.status, started_at=rfc3339(s.now), paused_seconds=0))


def _take_back(s: Situation) -> Decision | None:
    """Something speaks against the new version, and there is a version to go back to."""
    rollout = s.rollout
    if rollout is None or s.fallback is None:
        return None
    mark = next((mark for reason in _AGAINST if (mark := reason(s, rollout)) is not None), None)
    if mark is None or (s.share(rollout.inference_service) and not s.fallback_answers):
        return None
    return _note_exposure(s, rollout) or take_back(s, mark)


def _note_exposure(s: Situation, rollout: RolloutStatus) -> Decision | None:
    """It is taken back before its first step was begun: whoever got its answers must be told of first."""
    if rollout.history or rollout.weights.desired == 100:
        return None
    return _begin_step(s)


def _mirror_refused(s: Situation, rollout: RolloutStatus) -> Mark | None:
    """A gateway may fail every request of a route with a filter that it does not support."""
    if not rollout.mirror or s.route is None or not s.route.mirror or not s.route.unsupported:
        return None
    message = f"the gateway does not mirror: {s.route.complaint}; take mirror out of spec.rollout.steps"
    return _mark(s, rollout, "MirrorRefused", message)


def _gate_failed(s: Situation, rollout: RolloutStatus) -> Mark | None:
    for gate in s.gates:
        judgement = s.findings.judgements.get(gate.name)
        if judgement and judgement.verdict is Verdict.FAIL:
            shared = s.findings.evidence.stable_suffers_too(gate.slice)
            beside = f" against {judgement.stable} of stable" if judgement.stable is not None else ""
            excuse = "; stable got worse as well, so the version is not quarantined" if shared else ""
            message = f"{gate.title}: {judgement.candidate}{beside}; {judgement.message}{excuse}"
            return _mark(s, rollout, "GateFailed", message, gate=gate.name, quarantine=not shared)
    return None


def _too_slow_to_start(s: Situation, rollout: RolloutStatus) -> Mark | None:
    deadline = s.spec.rollout.progress_deadline_seconds
    waited, late = s.elapsed(rollout.started_at) - rollout.paused_seconds, s.lacking(s.stages[0])
    if rollout.state != "Starting" or waited < deadline or late is None or s.unequipped:
        return None
    who = f"the twin of {late.version} is " if late.twin else ""
    message = f"{who}not ready within {deadline} s: {s.fleet(late).message}"
    return _mark(s, rollout, Reason.PROGRESS_DEADLINE_EXCEEDED, message)


def _too_few_replicas(s: Situation, rollout: RolloutStatus) -> Mark | None:
    """The version did nothing wrong: it is given up so that what it holds is free, and somebody is called."""
    stage = capacity.awaited(s)
    if stage is None or not capacity.is_overdue(s, rollout):
        return None
    count, why = capacity.lacking_words(s, stage)
    message = f"only {count} ready within {s.spec.rollout.progress_deadline_seconds} s: {why}"
    return _mark(s, rollout, Reason.PROGRESS_DEADLINE_EXCEEDED, message)


def _keeps_restarting(s: Situation, rollout: RolloutStatus) -> Mark | None:
    if (crashes := restarts.too_many(s, rollout)) is None:
        return None
    return _mark(s, rollout, "NotReady", crashes.message, quarantine=not crashes.shared)


def _broken(s: Situation, rollout: RolloutStatus) -> Mark | None:
    fleet, deadline = s.fleet(s.subject), s.spec.rollout.progress_deadline_seconds
    if rollout.state == "Starting":
        return None
    if rollout.unready_times >= MAX_LOSSES:
        message = f"it lost its last ready replica {rollout.unready_times} times: {fleet.message}"
        return _mark(s, rollout, "NotReady", message)
    if rollout.unready_since and s.elapsed(rollout.unready_since) >= deadline:
        return _mark(s, rollout, "NotReady", f"no ready replica for {deadline} s: {fleet.message}")
    return None


_AGAINST: tuple[Callable[[Situation, RolloutStatus], Mark | None], ...] = (
    _mirror_refused,
    _gate_failed,
    _too_slow_to_start,
    _too_few_replicas,
    _keeps_restarting,
    _broken,
)


def _mark(
    s: Situation, rollout: RolloutStatus, reason: str, message: str, *, gate: str = "", quarantine: bool = False
) -> Mark:
    unseen = rollout.mirror and not any(step.weight for step in rollout.history)
    text = f"{message}; it was only mirrored: nobody got an answer of it" if unseen else message
    return Mark(rollout.id, reason, gate or reason, text, quarantine, s.now)


def _wait_for_the_host(s: Situation) -> Decision | None:
    """Another deployment answers the host: no request is seen, so no wait for evidence begins or ends."""
    rollout = s.rollout
    if not s.rival or rollout is None or not rollout.baseline or rollout.undo:
        return None
    return Decision(with_rollout(s.status, hold_since=None))


def _follow_edited_steps(s: Situation) -> Decision | None:
    """The steps were edited under way: go on where the weight reached is nearest from below, and wait there anew.

    Where every new step asks for more than was reached, the gates have to agree first, as at the end of a step.
    """
    rollout = s.rollout
    if rollout is None or rollout.state != "Stepping" or progress.knows_its_step(s, rollout):
        return None
    stage = progress.nearest(s, rollout)
    if not progress.asks_for_more(stage, rollout):
        return enter(s, stage)
    if s.freeze or s.unsupported:
        return None
    return _when_gates_agree(s, rollout, lambda s: enter(s, stage) if s.capacity_for(stage) else None)


def _begin_step(s: Situation) -> Decision | None:
    """The route is read back as the step asks for it: now its clock starts, and its evidence begins at nothing.

    But for the first step: before it the new version had no traffic, so what stable answered meanwhile is a baseline,
    and what the new version has answered since the route was written belongs to no other weight.
    """
    rollout = s.rollout
    if rollout is None or not rollout.step_hash or rollout.step_started_at or rollout.state == "Baking":
        return None
    target = shares(s.status, s.fleets).get(rollout.inference_service, 0)
    share = s.share(rollout.inference_service)
    if s.route is None or not s.route.accepted or share != target or share < rollout.weights.desired:
        return None
    if s.route.mirror != (rollout.inference_service if rollout.mirror else ""):
        return None
    record = StepRecord(
        index=rollout.step_index, weight=rollout.weights.desired, mirror=rollout.mirror, started_at=rfc3339(s.now)
    )
    status = with_rollout(
        s.status,
        step_started_at=later(s.now),
        weights=Weights(desired=rollout.weights.desired, observed=share),
        restarts_before=restarts.before(s, rollout),
        history=[*rollout.history, record][-HISTORY_LIMIT:],
    )
    if not rollout.history and rollout.weights.desired < 100:
        return Decision(status)
    evidence = s.findings.evidence.next_step(keep_stable=rollout.weights.desired == 100)
    return Decision(with_rollout(status, evidence=to_status(evidence, s.findings.cursors), gates=[], measured_at=None))


def _advance(s: Situation) -> Decision | None:
    """The step is over and every gate lets it end."""
    rollout = s.rollout
    if rollout is None or rollout.state not in {"Starting", "Stepping"}:
        return None
    if not rollout.step_hash:
        return enter(s, s.stages[0]) if _may_begin(s) else None
    if not progress.is_over(s, rollout):
        return None
    if s.freeze and steps.after(s.stages, s.stage):
        return None
    return _when_gates_agree(s, rollout, _leave_step)


def _bake(s: Situation) -> Decision | None:
    """The bake is over and every gate lets it end."""
    rollout = s.rollout
    if rollout is None or rollout.state != "Baking":
        return None
    if not rollout.wait_skipped and s.elapsed(rollout.step_started_at) < s.spec.rollout.bake_seconds:
        return None
    return _when_gates_agree(s, rollout, complete)


def _queue_up(s: Situation) -> Decision | None:
    """Take a place among those that wait for their turn, or give it up."""
    waits = _may_start(s) and s.turn is not None and s.status.stable is not None
    if waits == (s.status.queued_at is not None):
        return None
    return Decision(s.status.model_copy(update={"queued_at": rfc3339(s.now) if waits else None}))


def _start(s: Situation) -> Decision | None:
    """A version is wanted that is not the stable one, and nothing holds it back."""
    if not _may_start(s) or not isinstance(s.wanted, Wanted):
        return None
    if s.turn and s.status.queued_at and not (s.turn.has_come and s.elapsed(s.status.queued_at) >= SETTLE_SECONDS):
        return None
    stable, wanted = s.status.stable, s.wanted.ref
    text = f"{wanted.version} is released" + (f" beside {stable.version}" if stable else " as the first version")
    return Decision(begin(s, wanted), notes=(Note("Normal", Reason.PROGRESSING, text),))


def _may_start(s: Situation) -> bool:
    if s.rollout or s.hold or s.freeze or s.predecessor or s.unsupported or (s.rival and s.status.stable):
        return False
    if not isinstance(s.wanted, Wanted) or same(s.wanted.ref, s.status.stable):
        return False
    return s.status.abort is None or s.status.abort.route_confirmed_at is not None or not _was_taken_back(s)


def _was_taken_back(s: Situation) -> bool:
    return s.status.rollout is not None and s.status.rollout.state == "Aborted"


_RULES: tuple[Callable[[Situation], Decision | None], ...] = (
    _finish_taking_back,
    _stand_by_the_record,
    adopt,
    _obey,
    _start_clock_anew,
    _take_back,
    _give_up_a_quarantined,
    _make_room,
    _wait_for_the_host,
    blindness.call,
    _follow_edited_steps,
    _begin_step,
    _advance,
    _bake,
    _queue_up,
    _start,
)


def _may_begin(s: Situation) -> bool:
    """Before the first weight: warmed, and its counters can be read."""
    seen = s.findings.outcome(s.gates) not in {Verdict.FAIL, Verdict.ERROR}
    return seen and not s.freeze and s.capacity_for(s.stages[0]) and progress.is_wanted(s)


def _leave_step(s: Situation) -> Decision | None:
    following = steps.after(s.stages, s.stage)
    if following is None:
        return promote(s)
    return enter(s, following) if s.capacity_for(following) and progress.is_wanted(s) else None


def _when_gates_agree(
    s: Situation, rollout: RolloutStatus, go_on: Callable[[Situation], Decision | None]
) -> Decision | None:
    cannot_tell = progress.outcome(s, rollout) is Verdict.INCONCLUSIVE
    if progress.gates_agree(s, rollout):
        decision = go_on(s)
        if decision is not None or cannot_tell:
            return decision
    elif cannot_tell:
        return _hold(s, rollout)
    # Waiting for replicas or for metrics is not waiting for evidence: that begins anew when a gate cannot tell again.
    return Decision(with_rollout(s.status, hold_since=None)) if rollout.hold_since else None


def _hold(s: Situation, rollout: RolloutStatus) -> Decision | None:
    """A gate cannot tell yet: wait, then do what was declared."""
    rules = s.spec.rollout.inconclusive
    if rollout.hold_since is None:
        return Decision(with_rollout(s.status, hold_since=rfc3339(s.now)))
    if s.elapsed(rollout.hold_since) < rules.hold_seconds:
        return None
    if rules.then == "Abort":
        message = f"no gate could tell within {rules.hold_seconds} s after the step"
        return take_back(s, _mark(s, rollout, "Inconclusive", message)) if s.fallback and s.fallback_answers else None
    if rollout.state == "Baking":
        return None
    return Decision(with_rollout(s.status, state="Paused", paused_at=rfc3339(s.now)))
