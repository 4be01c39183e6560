"""The status was lost, as in a cluster restored from a backup: who answers now is trusted, and no weight moves.

The route tells who has which share, and each InferenceService says which version it runs. A release that was under way
goes on where it was: its step begins anew, with its whole wait and with evidence from nothing.
"""

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import (
    Reason,
    RolloutStatus,
    ServingDeploymentStatus,
    Verb,
    VersionRef,
    Weights,
)
from shipway.controllers.servingdeployment import steps, verbs
from shipway.controllers.servingdeployment.decision import Decision, new_id
from shipway.controllers.servingdeployment.situation import Answering, Situation
from shipway.runtime.plan import Note

_NOT_RUN = "not run: the status was lost, and with it whether this ran before; set another action-id to have it done"


def adopt(s: Situation) -> Decision | None:
    """Take over what answers, where the status knows of nobody."""
    if s.answering is None or s.status.stable is not None or s.status.candidate is not None:
        return None
    found = s.answering
    stable = found.stable.model_copy(update={"since": rfc3339(s.now), "baked": True})
    status = s.status.model_copy(update={"stable": stable})
    text = f"the status was lost; {stable.version} has the traffic and is taken as stable"
    if found.candidate is not None:
        status = _going_on(s, status, found, found.candidate)
        where = f"at {found.weight} %" if found.weight else "mirrored"
        text = f"{text}, the release of {found.candidate.version} goes on {where}"
    decision = Decision(status, notes=(Note("Warning", Reason.SERVING, text),))
    action = verbs.pending(s)
    if action is None:
        return decision
    # Whatever the annotations ask for may have been done long ago; only a pause does no harm if done twice.
    paused = status.rollout is not None and status.rollout.state == "Paused"
    return verbs.recorded(s, action, decision, "paused as before" if paused else _NOT_RUN)


def _going_on(
    s: Situation, status: ServingDeploymentStatus, found: Answering, ref: VersionRef
) -> ServingDeploymentStatus:
    candidate = ref.model_copy(update={"since": rfc3339(s.now)})
    stages = steps.stages_of(s.spec.rollout.steps)
    stage = steps.nearest(stages, found.weight)
    known = stage.weight <= found.weight
    paused = s.action is not None and s.action.known is Verb.PAUSE
    rollout = RolloutStatus(
        id=new_id(s, candidate),
        version=candidate.version,
        inference_service=candidate.inference_service,
        baseline=found.stable.version,
        state="Paused" if paused else "Stepping" if known else "Starting",
        step_index=stage.index,
        step_hash=steps.hash_of(stages) if known else "",
        started_at=rfc3339(s.now),
        paused_at=rfc3339(s.now) if paused else None,
        weights=Weights(desired=found.weight, observed=found.weight),
        mirror=known and stage.mirror and not found.weight,
    )
    return status.model_copy(update={"candidate": candidate, "rollout": rollout})
