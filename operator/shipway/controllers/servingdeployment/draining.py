"""Versions nobody needs any more: the route sends them nothing, a little later forgets them, and they are deleted."""

from collections.abc import Iterable

from shipway.api.v1alpha1.servingdeployment import Draining, ServingDeploymentStatus
from shipway.controllers.servingdeployment.decision import later
from shipway.controllers.servingdeployment.situation import Situation

DRAIN_SECONDS = 5
"""For answers under way and for gateways that hear of the route a moment later."""


def draining(s: Situation, status: ServingDeploymentStatus, existing: Iterable[str]) -> list[Draining]:
    """Which InferenceServices are on their way out, each since it is known to get nothing."""
    known = {entry.inference_service: entry for entry in s.status.draining}
    if status.stable is None and status.candidate is None:
        return []  # a status that knows no version says nothing about which one is not needed
    needed = _needed(status)
    idle = [name for name in sorted(existing) if name not in needed and _gets_nothing(s, name, known=name in known)]
    return [known.get(name) or Draining(inference_service=name, since=later(s.now)) for name in idle][:16]


def long_enough(s: Situation) -> list[str]:
    """InferenceServices that have drained, by the stored status: the route may forget them."""
    needed = _needed(s.status)
    return [
        entry.inference_service
        for entry in s.status.draining
        if entry.inference_service not in needed and s.elapsed(entry.since) >= DRAIN_SECONDS
    ]


def due(s: Situation) -> list[str]:
    """InferenceServices that have drained and that the gateway no longer knows of."""
    return [name for name in long_enough(s) if _gets_nothing(s, name) and not (s.route and name in s.route.backends)]


def _gets_nothing(s: Situation, name: str, *, known: bool = False) -> bool:
    """Whether the gateway sends it nothing; what is known to get nothing stays so while the route forgets it."""
    return not s.gets_requests(name) and (known or s.route is None or s.route.accepted)


def _needed(status: ServingDeploymentStatus) -> set[str]:
    return {ref.inference_service for ref in status.running}
