"""How often the status is written: every change of substance at once, mere numbers every two seconds, else never."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from shipway.api.conditions import seconds
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.controllers.servingdeployment import objectives
from shipway.controllers.servingdeployment.draining import DRAIN_SECONDS
from shipway.controllers.servingdeployment.situation import ACTIVE, Situation
from shipway.controllers.servingdeployment.steps import hash_of
from shipway.controllers.servingdeployment.turn import SETTLE_SECONDS
from shipway.kube.resource import Object

NUMBERS_SECONDS = 2.0
"""Between two writes of mere numbers while a release is under way."""
_SOONEST = 0.05
"""How long after a deadline one looks again, for the clock may not quite have reached it; and the shortest wait."""


def settle(stored: Object, status: ServingDeploymentStatus, *, now: float) -> Object:
    """The status to write; the stored one where only numbers differ and the last ones are fresh."""
    decided = status.to_wire()
    measured = (stored.get("rollout") or {}).get("measuredAt")
    fresh = measured is not None and abs(now - seconds(measured)) < NUMBERS_SECONDS  # a clock may have gone back
    under_way = status.rollout is not None and status.rollout.state in ACTIVE
    if under_way and fresh and _substance(stored) == _substance(decided):
        return stored
    return decided


def wake_after(s: Situation, status: ServingDeploymentStatus) -> float | None:
    """Seconds until time alone may change something; None when nothing but an event can."""
    waits = [time - s.now for time in _deadlines(s, status)]
    if status.rollout is not None and status.rollout.state in ACTIVE:
        waits.append(NUMBERS_SECONDS)
    ahead = [wait for wait in waits if wait > 0]
    return max(_SOONEST, min(ahead)) if ahead else None


def _deadlines(s: Situation, status: ServingDeploymentStatus) -> Iterator[float]:
    rollout, rules = status.rollout, s.spec.rollout
    yield from (time + _SOONEST for time in objectives.due(status.objectives))
    if s.frozen and s.frozen.until:
        yield s.frozen.until + _SOONEST
    yield from (seconds(entry.since) + DRAIN_SECONDS + _SOONEST for entry in status.draining)
    if status.queued_at:
        yield seconds(status.queued_at) + SETTLE_SECONDS + _SOONEST
    if rollout is None or rollout.state not in ACTIVE:
        return
    if rollout.state == "Starting":
        yield seconds(rollout.started_at) + rules.progress_deadline_seconds + rollout.paused_seconds
    if rollout.step_started_at and rollout.state == "Baking":
        yield seconds(rollout.step_started_at) + rules.bake_seconds
    if rollout.step_started_at and rollout.state == "Stepping":
        yield seconds(rollout.step_started_at) + _stage_seconds(s, status) + rollout.paused_seconds
    if rollout.lacking_since:
        yield seconds(rollout.lacking_since) + rules.progress_deadline_seconds
    if rollout.hold_since:
        yield seconds(rollout.hold_since) + rules.inconclusive.hold_seconds


def _stage_seconds(s: Situation, status: ServingDeploymentStatus) -> int:
    after = replace(s, status=status)
    known = status.rollout is not None and status.rollout.step_hash == hash_of(after.stages)
    return after.stage.seconds if known else 0


def _substance(status: Object) -> Object:
    rollout: dict[str, Any] = dict(status.get("rollout") or {})
    for field in ("measuredAt", "evidence"):
        rollout.pop(field, None)
    rollout["gates"] = {gate["name"]: gate["verdict"] for gate in rollout.get("gates", ())}
    texts = [_without(condition, "message") for condition in status.get("conditions", ())]
    return {**_without(status, "summary"), "rollout": rollout, "conditions": texts}


def _without(mapping: Mapping[str, Any], field: str) -> Object:
    return {name: value for name, value in mapping.items() if name != field}
