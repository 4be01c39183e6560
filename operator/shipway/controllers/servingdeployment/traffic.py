"""Who should answer now: the shares the status asks for, moved away from whoever has no ready replica."""

from collections.abc import Mapping

from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus, VersionRef
from shipway.controllers.servingdeployment.draining import long_enough
from shipway.controllers.servingdeployment.situation import NO_FLEET, Fleet, Situation
from shipway.controllers.servingdeployment.twin import share_of


def asked(status: ServingDeploymentStatus, fleets: Mapping[str, Fleet]) -> list[tuple[VersionRef, int]]:
    """The versions that may get traffic with what the status asks for, stable first.

    A twin without ready replicas leaves its share to stable and nothing of it to the candidate.
    """
    candidate = status.candidate if status.rollout else None
    weight = status.rollout.weights.desired if candidate and status.rollout else 0
    twin = status.twin if status.twin and _ready(status.twin, fleets) else None
    lent = share_of(status) if twin else 0
    pairs = []
    if status.stable:
        pairs.append((status.stable, 100 - weight - lent))
    if twin and lent:
        pairs.append((twin, lent))
    mirrored = status.rollout is not None and status.rollout.mirror
    if candidate and (weight or mirrored or not status.stable):
        pairs.append((candidate, weight))
    if status.rollback_target:
        pairs.append((status.rollback_target, 0))
    return pairs


def shares(status: ServingDeploymentStatus, fleets: Mapping[str, Fleet]) -> Mapping[str, int]:
    """Percent by InferenceService; empty when nobody is ready to answer.

    A version without ready replicas leaves the route and the others take its part. Whoever a rollback would go to is
    among them with 0. A candidate that was never given traffic or a copy of it is not: nothing is known of it.
    """
    ready = [(ref, weight) for ref, weight in asked(status, fleets) if _ready(ref, fleets)]
    total = sum(weight for _, weight in ready)
    if total == 0:
        may_answer = [ref.inference_service for ref, _ in ready if ref != status.candidate]
        return dict.fromkeys(may_answer, 0) | dict.fromkeys(may_answer[:1], 100)
    return {ref.inference_service: round(100 * weight / total) for ref, weight in ready}


def mirrored(status: ServingDeploymentStatus, target: Mapping[str, int]) -> str:
    """The InferenceService that gets a copy of every request, once it is among those on the route; empty for none."""
    name = status.rollout.inference_service if status.rollout and status.rollout.mirror else ""
    return name if name in target else ""


def with_leaving(s: Situation, target: Mapping[str, int]) -> Mapping[str, int]:
    """The target, and with nothing those that are on the route and on their way out.

    A gateway that forgets a version before it hears that the version gets nothing fails the requests in between.
    """
    if not target or s.route is None:
        return target
    drained = set(long_enough(s))
    leaving = [name for name in s.route.backends if s.fleets.get(name, NO_FLEET).ready and name not in drained]
    return {**dict.fromkeys(leaving, 0), **target}


def made_known(s: Situation, target: Mapping[str, int]) -> Mapping[str, int]:
    """The target, or what leads there: a version that is new to the route first joins it with nothing.

    A gateway may hear of a share before it hears of who is to answer it, and fails the requests in between. So the
    first share waits until the gateway has accepted a route that names the version, as long as the others answer.
    """
    if s.route is None:
        return target
    known = s.route.backends if s.route.accepted else frozenset(s.route.shares)
    newcomers = [name for name, share in target.items() if share and not s.share(name) and name not in known]
    others_answer = s.route.shares and all(s.fleets.get(other, NO_FLEET).ready for other in s.route.shares)
    return {**dict.fromkeys(target, 0), **s.route.shares} if newcomers and others_answer else target


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


def sendable(s: Situation, target: Mapping[str, int]) -> Mapping[str, int]:
    """The target where the route may be changed to it; else nothing, and the route stays as it is.

    But where some requests are answered by nobody then, as when a stranger takes all weights away or a twin dies, the
    new version keeps its share and who is trusted gets the rest.
    """
    if s.rollout is None or s.fallback is None or may_send(s, target):
        return target
    shares = s.route.shares if s.route else {}
    if shares and all(s.fleets.get(name, NO_FLEET).ready for name in shares):
        return {}
    subject = s.rollout.inference_service
    held = s.share(subject)
    return {**dict.fromkeys(target, 0), subject: held, s.fallback.inference_service: 100 - held}


def _ready(ref: VersionRef, fleets: Mapping[str, Fleet]) -> bool:
    return fleets.get(ref.inference_service, NO_FLEET).ready > 0
