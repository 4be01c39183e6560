"""promote, pause, resume, abort, retry, undo: asked for by annotation. Each id runs once and is recorded."""

from collections.abc import Callable
from dataclasses import replace

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import ActionRecord, Reason, ServingDeploymentStatus, Verb
from shipway.controllers.servingdeployment import capacity
from shipway.controllers.servingdeployment.blindness import blindness
from shipway.controllers.servingdeployment.decision import Decision, Lift, take_back, with_rollout
from shipway.controllers.servingdeployment.situation import Action, Mark, Situation, Wanted, is_of
from shipway.controllers.servingdeployment.undo import undo
from shipway.runtime.plan import Note

RECORD_LIMIT = 20
ID_LIMIT = 128
"""Characters of an id that a record has room for."""
PAUSED = "paused; the gates go on watching"
"""What came of a `pause` that paused."""
UNNAMED = "unnamed:"
"""Begins the ids made up for actions without one."""
_NOTHING = "nothing to do: no release is under way"

Outcome = tuple[Decision, str]
"""What a verb does, and its result in words."""


def pending(s: Situation) -> Action | None:
    """The action that has not run yet."""
    done = {record.id for record in s.status.actions}
    return s.action if s.action and s.action.id not in done else None


def run(s: Situation) -> Decision | None:
    """Run the verb the annotations ask for, once; None when it has run already or there is none."""
    action = pending(s)
    if action is None:
        return None
    if action.known is None:
        words = ", ".join(Verb)
        return recorded(
            s, action, Decision(s.status), f"refused: '{action.verb}' is no verb; it must be one of {words}"
        )
    if action.id.startswith(UNNAMED):
        needed = "refused: set the annotation shipway.dev/action-id to a text not used before, so that it runs once"
        return recorded(s, action, Decision(s.status), needed)
    decision, result = _VERBS[action.known](s, action)
    return recorded(s, action, decision, result)


def _promote(s: Situation, _: Action) -> Outcome:
    rollout = s.rollout
    if rollout is None:
        return Decision(s.status), _NOTHING
    if rollout.state == "Baking":
        end = _once_told(s) or "as soon as no gate fails"
        return Decision(with_rollout(s.status, wait_skipped=True)), f"the bake ends {end}"
    resumed = _resumed(s)
    if not rollout.step_hash:
        words = "resumed" if rollout.state == "Paused" else "nothing to promote"
        return Decision(resumed), f"{words}: {rollout.version} has no traffic yet; it goes on by itself"
    skipped = with_rollout(resumed, wait_skipped=True)
    return Decision(skipped), f"the step ends {_when(replace(s, status=skipped))}"


def _when(s: Situation) -> str:
    if s.freeze:
        return f"as soon as it may: {s.freeze.message}"
    if held := _once_told(s):
        return held
    stage = capacity.awaited(s)
    if stage is None:
        return "now, unless a gate fails"
    count, _ = capacity.lacking_words(s, stage)
    return f"as soon as there are the replicas: {count} are ready"


def _once_told(s: Situation) -> str:
    """What gates in Error wait for, which nobody may overrule; empty where none is."""
    blind = blindness(s)
    return f"as soon as {blind.until}: {blind.message}" if blind else ""


def _pause(s: Situation, _: Action) -> Outcome:
    rollout = s.rollout
    if rollout is None:
        return Decision(s.status), _NOTHING
    if rollout.state == "Baking":
        return Decision(s.status), "refused: a bake cannot be paused; abort takes the version back"
    if rollout.state == "Paused":
        return Decision(s.status), "it is paused already"
    paused = with_rollout(s.status, state="Paused", paused_at=rfc3339(s.now), hold_since=None)
    return Decision(paused), PAUSED


def _resume(s: Situation, _: Action) -> Outcome:
    if s.rollout is None:
        return Decision(s.status), _NOTHING
    if s.rollout.state != "Paused":
        return Decision(s.status), "nothing to resume: it is not paused"
    return Decision(_resumed(s)), "resumed"


def _abort(s: Situation, action: Action) -> Outcome:
    rollout = s.rollout
    if rollout is None:
        return Decision(s.status), _NOTHING
    if s.fallback is None:
        return Decision(s.status), "refused: a first version has nothing to go back to"
    if not s.fallback_answers and s.share(rollout.inference_service):
        return Decision(s.status), f"refused: {s.fallback.version} has no ready replica; nobody would answer"
    mark = Mark(
        rollout=rollout.id,
        reason="Aborted",
        gate=Verb.ABORT,
        message=f"aborted by {action.who}: {action.why}",
        quarantine=True,
        at=s.now,
    )
    return take_back(s, mark), f"taken back to {s.fallback.version}"


def _retry(s: Situation, action: Action) -> Outcome:
    if s.hold is None:
        return Decision(s.status), "nothing to retry: the wanted version is not held back"
    lift = Lift(s.hold.incidents, by=action.who, reason=action.reason, at=s.now)
    abort = s.status.abort
    own = isinstance(s.wanted, Wanted) and abort and is_of(abort, s.wanted.ref)
    status = s.status.model_copy(update={"abort": None}) if own else s.status
    return Decision(status, lift=lift), "the wanted version may be released again"


_VERBS: dict[Verb, Callable[[Situation, Action], Outcome]] = {
    Verb.PROMOTE: _promote,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.ABORT: _abort,
    Verb.RETRY: _retry,
    Verb.UNDO: undo,
}


def _resumed(s: Situation) -> ServingDeploymentStatus:
    """The status without the person's pause; its seconds do not count as waited."""
    rollout = s.rollout
    assert rollout is not None
    if rollout.state != "Paused":
        return s.status
    counted = min(s.elapsed(rollout.paused_at), s.elapsed(rollout.step_started_at or rollout.started_at))
    return with_rollout(
        s.status,
        state="Stepping" if rollout.step_hash else "Starting",
        paused_at=None,
        paused_seconds=rollout.paused_seconds + round(counted),
        hold_since=None,
    )


def recorded(s: Situation, action: Action, decision: Decision, result: str) -> Decision:
    """The decision with a record of the action that asked for it."""
    record = ActionRecord(
        id=action.id,
        verb=action.verb,
        by=action.by,
        reason=action.reason,
        at=rfc3339(s.now),
        result=result[:256],
    )
    actions = [*decision.status.actions, record][-RECORD_LIMIT:]
    note = Note("Normal", Reason.ACTION_TAKEN, f"{action.verb} by {action.who}: {result}"[:1024])
    status = decision.status.model_copy(update={"actions": actions})
    return replace(decision, status=status, notes=(*decision.notes, note))
