"""A clock that went back: what the status says began in the future begins now.

A machine's clock may be set back, and an operator that takes over may have one that is behind. A wait counted from a
time ahead would last as much longer as the clock went back, and nobody would be told why.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from shipway.api.conditions import rfc3339, seconds
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus

SLACK_SECONDS = 2.0
"""How far ahead a time may be: waits count from the next whole second, and the clocks of two machines differ."""
_OF_A_ROLLOUT = (
    *("started_at", "step_started_at", "paused_at"),
    *("unready_since", "hold_since", "lacking_since", "error_since"),
)


def caught_up(status: ServingDeploymentStatus, *, now: float) -> ServingDeploymentStatus:
    """The status with every time that something is counted from at most `now`, in Unix seconds."""
    changes = _ahead(status, ("queued_at",), now)
    if status.rollout is not None and (times := _ahead(status.rollout, _OF_A_ROLLOUT, now)):
        changes["rollout"] = status.rollout.model_copy(update=times)
    if any(_ahead(entry, ("since",), now) for entry in status.draining):
        changes["draining"] = [entry.model_copy(update=_ahead(entry, ("since",), now)) for entry in status.draining]
    if any(_ahead(entry, ("measured_at",), now) for entry in status.objectives):
        read = [entry.model_copy(update=_ahead(entry, ("measured_at",), now)) for entry in status.objectives]
        changes["objectives"] = read
    return status.model_copy(update=changes) if changes else status


def _ahead(part: BaseModel, times: Iterable[str], now: float) -> dict[str, Any]:
    found = {name: getattr(part, name) for name in times}
    return {name: rfc3339(now) for name, time in found.items() if time and seconds(time) > now + SLACK_SECONDS}
