"""Containers that die under traffic: answers die with the process, and nobody counts them.

A pod is held against what it had restarted before the new version got its first request, and the worst of its pods
against the worst of stable's in the same time: neither many replicas nor a long release make a version worse, and what
kills the containers of both, such as a node without memory, is no fault of the new one.
"""

from dataclasses import dataclass
from heapq import nlargest

from shipway.api.v1alpha1.servingdeployment import PodRestarts, RolloutStatus, VersionRef
from shipway.controllers.servingdeployment.situation import Situation

MAX_RESTARTS = 3
"""Restarts of one pod under traffic at which a version is taken back; each one of stable's allows as many more."""
PODS_LIMIT = 64
"""Pods of which the restarts from before are kept in the status, as its schema has it."""


@dataclass(frozen=True)
class Crashes:
    """Restarts that speak against a version.

    Attributes:
        message: Which pod, how often, and how its container ended.
        shared: Whether containers of stable restarted in the same time.
    """

    message: str
    shared: bool


def before(s: Situation, rollout: RolloutStatus) -> list[PodRestarts] | None:
    """The restarts that are not held against anybody, when a step begins: all until the first that sends a request."""
    if _got_requests(rollout):
        return rollout.restarts_before
    seen = [
        PodRestarts(pod=pod, restarts=found.count)
        for fleet in s.fleets.values()
        for pod, found in fleet.restarts.items()
    ]
    return nlargest(PODS_LIMIT, seen, key=lambda each: each.restarts) or None


def too_many(s: Situation, rollout: RolloutStatus) -> Crashes | None:
    """What is to be said of a version whose containers keep restarting clearly more often than stable's."""
    if not _got_requests(rollout):
        return None
    count, pod = _worst(s, rollout, s.subject)
    beside, _ = _worst(s, rollout, s.fallback, s.status.twin)
    if count < MAX_RESTARTS * (1 + beside):
        return None
    against = f" against {beside} of stable" if beside else ""
    ending = f": {found}" if (found := s.fleet(s.subject).restarts[pod].ending) else ""
    excuse = "; stable's containers restarted as well, so the version is not quarantined" if beside else ""
    message = f"its containers restarted {count} times under traffic{against}: pod {pod}{ending}{excuse}"
    return Crashes(message, shared=beside > 0)


def _got_requests(rollout: RolloutStatus) -> bool:
    return any(step.weight or step.mirror for step in rollout.history)


def _worst(s: Situation, rollout: RolloutStatus, *refs: VersionRef | None) -> tuple[int, str]:
    """The most restarts of one pod since the new version got its first request, and which pod that is.

    A pod that is gone takes its own with it, those from before as well.
    """
    known = {entry.pod: entry.restarts for entry in rollout.restarts_before or ()}
    since = [(found.count - known.get(pod, 0), pod) for ref in refs for pod, found in s.fleet(ref).restarts.items()]
    return max([(0, ""), *since])
