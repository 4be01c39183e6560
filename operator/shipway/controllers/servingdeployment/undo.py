"""Going back to a version that was stable before: in one step, whatever the spec asks for, and no gate is asked.

The spec is never written. What keeps the version that is left from being released again while the spec names it is its
Incident, as after every rollback; `retry` lifts it, and a spec that names another version goes on from there.
"""

from shipway.api.v1alpha1.servingdeployment import Verb, VersionRef
from shipway.controllers.servingdeployment.decision import Decision, Undone, abort_of, begin
from shipway.controllers.servingdeployment.situation import Action, Mark, Situation
from shipway.integrations.kserve import short_hash


def undo(s: Situation, action: Action) -> tuple[Decision, str]:
    """Begin to go back to a kept version, and say how long that takes; or say why it cannot be done."""
    if s.rollout is not None:
        text = f"refused: {s.rollout.version} is being released; abort takes it back at once"
        return Decision(s.status), text
    left, kept = s.status.stable, [ref for ref in s.status.kept if action.to in ("", ref.version)]
    if left is None or not kept:
        return Decision(s.status), _nowhere(s, action)
    free = next((ref for ref in kept if ref.inference_service not in s.obstacles), None)
    if free is None:
        return Decision(s.status), f"refused: {s.obstacles[kept[0].inference_service]}"
    return _gone_back(s, action, left, free)


def _gone_back(s: Situation, action: Action, left: VersionRef, ref: VersionRef) -> tuple[Decision, str]:
    status = begin(s, ref, undo=True)
    assert status.rollout is not None
    message = f"undone by {action.who}: {action.why}"
    # Named by the action and not by the rollout: a crash before the status is written must not leave a second one.
    incident = f"{s.name}-undo-{short_hash(action.id, length=10)}"
    mark = Mark(status.rollout.id, "Undone", Verb.UNDO, message, quarantine=True, at=s.now)
    abort = abort_of(left, mark, incident=incident)
    told = Undone(subject=left, instead=ref, incident=incident, mark=mark)
    took = f"; it took {ref.start_seconds} s to be ready last time" if ref.start_seconds is not None else ""
    result = f"going back from {left.version} to {ref.version} as soon as it is ready{took}"
    return Decision(status.model_copy(update={"abort": abort}), undone=told), result


def _nowhere(s: Situation, action: Action) -> str:
    known = ", ".join(ref.version for ref in s.status.kept)
    if not known:
        return "nothing to undo: no earlier version is kept"
    return f"refused: {action.to} is not kept; there are: {known}"
