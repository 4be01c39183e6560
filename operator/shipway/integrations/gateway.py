"""Gateway API: the one HTTPRoute whose weights decide who answers, and what the gateway says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shipway.api.v1alpha1.servingdeployment import GatewayRef
from shipway.kube.resource import Object

_FOREIGN = frozenset({"filters", "timeouts", "retry", "sessionPersistence", "percent", "fraction"})
"""Fields that change what a rule does, its backend or its mirror; we set none but the filter that mirrors."""


@dataclass(frozen=True)
class RouteView:
    """What an existing route does.

    Attributes:
        shares: Percent of the traffic by backend Service.
        accepted: Whether the gateway works by this very generation of the route, with every backend resolved.
        complaint: Why it does not, in its own words.
        backends: Whom it names, those that get nothing as well.
        mirror: Who gets a copy of every request; empty for nobody.
        unsupported: Whether the gateway says of this very generation that it does not support what the route asks for.
    """

    shares: Mapping[str, int]
    accepted: bool
    complaint: str = ""
    backends: frozenset[str] = frozenset()
    mirror: str = ""
    unsupported: bool = False


def render(
    metadata: Mapping[str, Any],
    *,
    host: str,
    gateway: GatewayRef,
    shares: Mapping[str, int],
    port: int,
    mirror: str = "",
) -> Object:
    """The route, with every default of the API spelled out, so that what is stored is what was sent.

    Args:
        metadata: Its metadata.
        host: The host name.
        gateway: The Gateway it joins.
        shares: Percent by backend Service; one with 0 is made known to the gateway and gets nothing.
        port: Port of the backends.
        mirror: Backend Service that gets a copy of every request and answers nobody; empty for none.
    """
    namespace = gateway.namespace or metadata["namespace"]
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": namespace, "name": gateway.name}
    backends = [
        {"group": "", "kind": "Service", "name": name, "port": port, "weight": weight}
        for name, weight in sorted(shares.items())
    ]
    match = {"path": {"type": "PathPrefix", "value": "/"}}
    filters = {"filters": [_mirror_to(mirror, port)]} if mirror else {}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": dict(metadata),
        "spec": {
            "parentRefs": [parent],
            "hostnames": [host],
            "rules": [{"matches": [match], "backendRefs": backends, **filters}],
        },
    }


def _mirror_to(backend: str, port: int) -> Object:
    ref = {"group": "", "kind": "Service", "name": backend, "port": port}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": ref}}


def site(host: str, gateway: GatewayRef, *, namespace: str) -> str:
    """What routes compete for: a host of a Gateway, which is in `namespace` unless it says otherwise."""
    return f"{gateway.namespace or namespace}/{gateway.name}/{host}"


def site_of(route: Object) -> str:
    """The site of a route of ours; empty where somebody took its host or its Gateway out."""
    parents, hosts = route["spec"].get("parentRefs") or (), route["spec"].get("hostnames") or ()
    if not parents or not hosts:
        return ""
    namespace = parents[0].get("namespace") or route["metadata"]["namespace"]
    return f"{namespace}/{parents[0]['name']}/{hosts[0]}"


def differs(stored: Object, rendered: Object) -> bool:
    """Whether the stored route does something else than the rendered one; fields added by newer APIs do not count."""
    spec = {field: stored["spec"].get(field) for field in rendered["spec"]}
    return not _contains(spec, rendered["spec"]) or _has_foreign(spec, rendered["spec"])


def view(stored: Object, gateway: GatewayRef) -> RouteView:
    """What the route does now, and whether the gateway does it."""
    accepted, complaint = _acceptance(stored, gateway)
    weights = _weights(stored)
    return RouteView(
        _shares(weights),
        accepted,
        complaint,
        frozenset(weights),
        mirror=_mirrored(stored),
        unsupported=_is_unsupported(stored, gateway),
    )


def _weights(route: Object) -> Mapping[str, int]:
    weights: dict[str, int] = {}
    for rule in route["spec"].get("rules", ()):
        for ref in rule.get("backendRefs", ()):
            weights[ref["name"]] = weights.get(ref["name"], 0) + ref.get("weight", 1)
    return weights


def _shares(weights: Mapping[str, int]) -> Mapping[str, int]:
    total = sum(weights.values())
    return {name: round(100 * weight / total) for name, weight in weights.items() if weight} if total else {}


def _mirrored(route: Object) -> str:
    filters = [found for rule in route["spec"].get("rules", ()) for found in rule.get("filters") or ()]
    refs = [found["requestMirror"]["backendRef"] for found in filters if found.get("requestMirror")]
    return str(refs[0]["name"]) if refs else ""


def _acceptance(route: Object, gateway: GatewayRef) -> tuple[bool, str]:
    generation = route["metadata"].get("generation", 0)
    conditions = _conditions(route, gateway)
    if conditions is None:
        namespace = gateway.namespace or route["metadata"]["namespace"]
        return False, f"no controller has looked at the route yet; does Gateway {namespace}/{gateway.name} exist?"
    for type_ in ("Accepted", "ResolvedRefs"):
        condition = conditions.get(type_)
        if condition is None or condition.get("observedGeneration", 0) < generation:
            return False, f"the gateway has not said {type_} for generation {generation} of the route yet"
        if condition["status"] != "True":
            return False, f"{type_} is {condition['status']}: {condition['reason']}: {condition.get('message', '')}"
    return True, ""


def _is_unsupported(route: Object, gateway: GatewayRef) -> bool:
    accepted = (_conditions(route, gateway) or {}).get("Accepted", {})
    current = accepted.get("observedGeneration", 0) >= route["metadata"].get("generation", 0)
    return current and (accepted.get("status"), accepted.get("reason")) == ("False", "UnsupportedValue")


def _conditions(route: Object, gateway: GatewayRef) -> Mapping[str, Object] | None:
    """What the gateway says of the route, by type; None where no controller has looked at it."""
    own = route["metadata"]["namespace"]
    parents = [
        parent
        for parent in route.get("status", {}).get("parents", ())
        if parent["parentRef"]["name"] == gateway.name
        and parent["parentRef"].get("namespace", own) == (gateway.namespace or own)
    ]
    return {c["type"]: c for parent in parents for c in parent.get("conditions", ())} if parents else None


def _contains(stored: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(stored, Mapping) and all(_contains(stored.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(stored, list)
            and len(stored) == len(wanted)
            and all(_contains(a, b) for a, b in zip(stored, wanted, strict=True))
        )
    return bool(stored == wanted)


def _has_foreign(spec: Object, rendered: Object) -> bool:
    pairs = [pair for rules in zip(spec["rules"], rendered["rules"], strict=True) for pair in _parts(*rules)]
    return any(_is_set(part.get(field)) for part, ours in pairs for field in _FOREIGN - ours.keys())


def _parts(rule: Object, ours: Object) -> list[tuple[Object, Object]]:
    """The rule, its backends and its mirror, each with what we made of it."""
    backends = zip(rule["backendRefs"], ours["backendRefs"], strict=True)
    filters = zip(rule.get("filters") or (), ours.get("filters", ()), strict=False)
    return [(rule, ours), *backends, *((a["requestMirror"], b["requestMirror"]) for a, b in filters)]


def _is_set(value: Any) -> bool:
    return value is not None and value not in ([], {})
