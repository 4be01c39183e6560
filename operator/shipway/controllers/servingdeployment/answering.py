"""Who has the traffic, as the route and the InferenceServices tell it: known even where the status was lost."""

from collections.abc import Callable, Mapping

from shipway.api.v1alpha1.servingdeployment import VersionRef
from shipway.controllers.servingdeployment import children
from shipway.controllers.servingdeployment.situation import Answering, Problem
from shipway.integrations.gateway import RouteView
from shipway.kube.resource import Object


def answering(
    view: RouteView | None, services: Mapping[str, Object], *, least: int, wanted: Callable[[], str | Problem]
) -> Answering | None:
    """None where nobody has the traffic, or where one of those that have cannot be told apart.

    Args:
        view: The route, with shares by InferenceService.
        services: The InferenceServices, by name.
        least: Replicas that the spec asks for.
        wanted: Tells the version that the spec asks for.
    """
    runs = {name: ref for name, service in services.items() if (ref := _runs(service, least))}
    shares = _without_twins(view.shares, runs) if view else {}
    busiest = max(shares, key=lambda name: shares[name], default="")
    if view is None or busiest not in runs:
        return None
    others = [name for name in shares if name in runs and name != busiest and shares[name]]
    if len(others) == 1:
        return _pair(busiest, others[0], runs, shares, wanted())
    mirrored = runs.get(view.mirror) if not others and view.mirror != busiest else None
    return Answering(runs[busiest], mirrored)


def _pair(
    busiest: str, other: str, runs: Mapping[str, VersionRef], shares: Mapping[str, int], wanted: str | Problem
) -> Answering | None:
    """Which of two is the new one: the one that the spec asks for, else the one with less."""
    if isinstance(wanted, Problem):
        return None
    candidate = busiest if runs[busiest].version == wanted != runs[other].version else other
    stable = other if candidate == busiest else busiest
    return Answering(runs[stable], runs[candidate], shares[candidate])


def _without_twins(shares: Mapping[str, int], runs: Mapping[str, VersionRef]) -> Mapping[str, int]:
    """The shares as they would be without twins: what a twin has is stable's."""
    own = {_identity(ref): name for name, ref in runs.items() if not ref.twin}
    found: dict[str, int] = {}
    for name, share in shares.items():
        ref = runs.get(name)
        whose = own.get(_identity(ref), name) if ref and ref.twin else name
        found[whose] = found.get(whose, 0) + share
    return found


def _identity(ref: VersionRef) -> tuple[str, str, str]:
    return ref.version, ref.digest, ref.predictor_hash


def _runs(service: Object, least: int) -> VersionRef | None:
    """The version an InferenceService runs, held at the size it has."""
    ref = children.reference_on(service)
    if ref is None:
        return None
    size = service["spec"]["predictor"].get("minReplicas") or 0
    return ref.model_copy(update={"min_replicas": size if size > least else None})
