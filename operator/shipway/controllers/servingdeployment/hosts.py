"""Two deployments on one host of one Gateway: who has the older route answers, by the rule of the Gateway API."""

from collections.abc import Iterable

from shipway.kube.resource import Object


def rival_of(own: Object | None, *, place: tuple[str, str], routes: Iterable[Object]) -> str:
    """Who answers instead of a deployment, as namespace/name; empty where it answers itself.

    Args:
        own: Its route; one that does not exist yet will be the youngest.
        place: Its namespace and name.
        routes: Those of the same host and Gateway, its own among them. A route bears the name of its deployment.
    """
    others = [_seniority(route) for route in routes if _place(route) != place]
    oldest = min(others, default=None)
    if oldest is None or (own is not None and _seniority(own) < oldest):
        return ""
    return oldest[1]


def _seniority(route: Object) -> tuple[str, str]:
    """When it was created; of one second, by namespace and name."""
    return route["metadata"].get("creationTimestamp", ""), "/".join(_place(route))


def _place(route: Object) -> tuple[str, str]:
    return route["metadata"]["namespace"], route["metadata"]["name"]
