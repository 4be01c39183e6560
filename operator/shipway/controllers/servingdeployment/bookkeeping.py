"""What is written down beside the decision: what was seen of route, counts and objectives, and who is leaving."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentStatus, Weights
from shipway.controllers.servingdeployment import blindness, capacity, objectives, progress
from shipway.controllers.servingdeployment.draining import draining
from shipway.controllers.servingdeployment.evidence import gate_statuses, step_token, to_status
from shipway.controllers.servingdeployment.situation import ACTIVE, Situation, is_of


def keep_books(s: Situation, status: ServingDeploymentStatus, *, existing: Iterable[str]) -> ServingDeploymentStatus:
    """The decided status with everything that was seen."""
    changes: dict[str, Any] = {"draining": draining(s, status, existing), "objectives": objectives.seen(s)}
    if status.rollout is not None:
        rollout = _seen(s, status.rollout)
        changes["rollout"] = rollout.model_copy(update=_progress(replace(s, status=status), rollout))
    if status.abort is not None and status.abort.route_confirmed_at is None:
        changes["abort"] = status.abort.model_copy(update={"route_confirmed_at": _confirmed(s, status)})
    return status.model_copy(update=changes)


def _seen(s: Situation, rollout: RolloutStatus) -> RolloutStatus:
    observed = s.share(rollout.inference_service) if _settled(s) else rollout.weights.observed
    changes: dict[str, Any] = {"weights": Weights(desired=rollout.weights.desired, observed=observed)}
    if rollout.state in ACTIVE:
        changes |= _losses(s, rollout) | _numbers(s, rollout) | _blindness(s, rollout)
        return rollout.model_copy(update=changes)
    changes |= {"error_since": None, "error_incident": ""}
    if rollout.evidence:
        changes["evidence"] = [entry.model_copy(update={"cursors": []}) for entry in rollout.evidence]
    return rollout.model_copy(update=changes)


def _settled(s: Situation) -> bool:
    return s.route is None or s.route.accepted


def _losses(s: Situation, rollout: RolloutStatus) -> dict[str, Any]:
    """Since when it has no ready replica, and how often that began; not what hits stable as well."""
    if not rollout.step_hash or s.fleet(s.subject).ready:
        return {"unready_since": None}
    if rollout.unready_since:
        return {}
    return {"unready_since": rfc3339(s.now), "unready_times": rollout.unready_times + s.fallback_answers}


def _numbers(s: Situation, rollout: RolloutStatus) -> dict[str, Any]:
    """The counts of the step; none when the decision began another step."""
    before = s.status.rollout
    if before is None or step_token(before, s.spec) != step_token(rollout, s.spec):
        return {}
    if not s.findings.cursors and any(gate.counts for gate in s.spec.rollout.gates):
        return {"measured_at": rfc3339(s.now)}
    return {
        "measured_at": rfc3339(s.now),
        "gates": gate_statuses(s.spec.rollout.tests, s.findings),
        "evidence": to_status(s.findings.evidence, s.findings.cursors),
    }


def _progress(after: Situation, rollout: RolloutStatus) -> dict[str, Any]:
    """Where the decided status stands, and since when it lacks nothing but replicas."""
    return {"step": progress.place(after), "lacking_since": capacity.seen(after, rollout)}


def _blindness(s: Situation, rollout: RolloutStatus) -> dict[str, Any]:
    """What is seen of the gates belongs to the rollout that was under way before the decision."""
    return blindness.seen(s, rollout) if s.rollout is not None and s.rollout.id == rollout.id else {}


def _confirmed(s: Situation, status: ServingDeploymentStatus) -> str | None:
    """When the route was read back without the version that was taken back."""
    return rfc3339(s.now) if _settled(s) and _is_left(s, status) else None


def _is_left(s: Situation, status: ServingDeploymentStatus) -> bool:
    rollout, stable = status.rollout, status.stable
    if rollout is not None and rollout.state == "Aborted":
        return not s.gets_requests(rollout.inference_service)
    left = stable is not None and status.abort is not None and not is_of(status.abort, stable)
    return left and stable is not None and s.share(stable.inference_service) == 100
