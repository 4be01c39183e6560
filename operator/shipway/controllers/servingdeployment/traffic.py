"""Who should answer now: the shares the status asks for, moved away from whoever has no ready replica."""

from collections.abc import Mapping

from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus, VersionRef
from shipway.controllers.servingdeployment.situation import NO_FLEET, Fleet, Situation


def asked(status: ServingDeploymentStatus) -> list[tuple[VersionRef, int]]:
    """The versions that may get traffic with what the status asks for, stable first."""
    candidate = status.candidate if status.rollout else None
    weight = status.rollout.weights.desired if candidate and status.rollout else 0
    pairs = []
    if status.stable:
        pairs.append((status.stable, 100 - weight))
    if candidate and (weight or not status.stable):
        pairs.append((candidate, weight))
    if status.rollback_target:
        pairs.append((status.rollback_target, 0))
    return pairs


def shares(status: ServingDeploymentStatus, fleets: Mapping[str, Fleet]) -> Mapping[str, int]:
    """Percent by InferenceService; empty when nobody is ready to answer.

    A version without ready replicas leaves the route and the others take its part. A candidate that was never given
    traffic is not among them: nothing is known of it.
    """
    ready = [(ref, weight) for ref, weight in asked(status) if fleets.get(ref.inference_service, NO_FLEET).ready > 0]
    total = sum(weight for _, weight in ready)
    if total == 0:
        may_answer = [ref for ref, _ in ready if ref != status.candidate]
        return {may_answer[0].inference_service: 100} if may_answer else {}
    return {ref.inference_service: round(100 * weight / total) for ref, weight in ready if weight}


def made_known(s: Situation, target: Mapping[str, int]) -> Mapping[str, int]:
    """The target, or what leads there: a version that is new to the route first joins it with nothing.

    A gateway may hear of a share before it hears of who is to answer it, and fails the requests in between. So the
    first share waits until the gateway has accepted a route that names the version, as long as the others answer.
    """
    name = s.rollout.inference_service if s.rollout else ""
    if s.route is None or not target.get(name) or s.share(name):
        return target
    if name in s.route.backends and s.route.accepted:
        return target
    others_answer = s.route.shares and all(s.fleets.get(other, NO_FLEET).ready for other in s.route.shares)
    return {**s.route.shares, name: 0} if others_answer else target


def may_send(s: Situation, target: Mapping[str, int]) -> bool:
    """Whether the route may be changed to `target`: lowering always, raising only on fresh evidence.

    Without gates there is nothing to wait for; where stable has no ready replica someone has to answer.
    """
    if s.rollout is None or not s.gates:
        return True
    name = s.rollout.inference_service
    if target.get(name, 0) <= s.share(name) or s.fleet(s.fallback).ready == 0:
        return True
    return s.findings.outcome(s.gates) in {Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.NO_EVIDENCE_OF_HARM}
