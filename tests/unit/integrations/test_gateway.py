"""The route we make, what counts as a change of it, and when the gateway is believed to follow it."""

import copy
from typing import Any

import pytest

from shipway.api.v1alpha1.servingdeployment import GatewayRef
from shipway.integrations import gateway

GATEWAY = GatewayRef(name="gw", namespace="infra")


def route(shares: dict[str, int] | None = None, mirror: str = "") -> dict[str, Any]:
    metadata = {"name": "ranker", "namespace": "team", "generation": 3}
    wanted = {"a-predictor": 75, "b-predictor": 25} if shares is None else shares
    return gateway.render(metadata, host="ranker.example.com", gateway=GATEWAY, shares=wanted, port=80, mirror=mirror)


def answered(generation: int = 3, parent: str = "gw", **conditions: str) -> dict[str, Any]:
    obj = route()
    said = [
        {"type": kind, "status": status, "reason": "Why", "message": "in words", "observedGeneration": generation}
        for kind, status in ({"Accepted": "True", "ResolvedRefs": "True"} | conditions).items()
    ]
    obj["status"] = {"parents": [{"parentRef": {"name": parent, "namespace": "infra"}, "conditions": said}]}
    return obj


def test_a_backend_that_gets_nothing_is_named_all_the_same():
    rendered = route({"a-predictor": 100, "b-predictor": 0})
    refs = rendered["spec"]["rules"][0]["backendRefs"]
    assert [(ref["name"], ref["weight"]) for ref in refs] == [("a-predictor", 100), ("b-predictor", 0)]
    seen = gateway.view(rendered, GatewayRef(name="gw"))
    assert (seen.shares, seen.backends) == ({"a-predictor": 100}, {"a-predictor", "b-predictor"})


def test_the_gateway_is_in_the_routes_namespace_unless_it_is_named():
    rendered = gateway.render(
        {"name": "r", "namespace": "team"}, host="h", gateway=GatewayRef(name="gw"), shares={}, port=80
    )
    assert rendered["spec"]["parentRefs"][0]["namespace"] == "team"


@pytest.mark.parametrize(
    "edit",
    [
        lambda spec: spec["rules"][0]["backendRefs"][0].update(weight=1),
        lambda spec: spec["rules"][0]["backendRefs"].pop(),
        lambda spec: spec["rules"].append(spec["rules"][0]),
        lambda spec: spec.update(hostnames=["other"]),
        lambda spec: spec.pop("parentRefs"),
        lambda spec: spec["rules"][0].update(filters=[{"type": "RequestMirror"}]),
        lambda spec: spec["rules"][0].update(timeouts={"request": "1s"}),
        lambda spec: spec["rules"][0]["backendRefs"][0].update(filters=[{"type": "ResponseHeaderModifier"}]),
    ],
)
def test_a_foreign_edit_is_a_difference(edit: Any):
    stored = copy.deepcopy(route())
    edit(stored["spec"])
    assert gateway.differs(stored, route())


def test_a_mirror_is_one_filter_of_the_gateway_api_and_read_back():
    rendered = route({"a-predictor": 100, "b-predictor": 0}, mirror="b-predictor")
    (found,) = rendered["spec"]["rules"][0]["filters"]
    ref = {"group": "", "kind": "Service", "name": "b-predictor", "port": 80}
    assert found == {"type": "RequestMirror", "requestMirror": {"backendRef": ref}}
    assert gateway.view(rendered, GATEWAY).mirror == "b-predictor"
    assert gateway.view(route(), GATEWAY).mirror == ""
    assert not gateway.differs(copy.deepcopy(rendered), rendered)


@pytest.mark.parametrize(
    "edit",
    [
        lambda rule: rule.pop("filters"),
        lambda rule: rule["filters"].append(rule["filters"][0]),
        lambda rule: rule["filters"][0]["requestMirror"]["backendRef"].update(name="other"),
        lambda rule: rule["filters"][0]["requestMirror"].update(percent=0),
        lambda rule: rule["filters"][0]["requestMirror"].update(fraction={"numerator": 1}),
        lambda rule: rule.update(timeouts={"request": "1s"}),
    ],
)
def test_so_is_one_of_the_mirror(edit: Any):
    stored = copy.deepcopy(route(mirror="b-predictor"))
    edit(stored["spec"]["rules"][0])
    assert gateway.differs(stored, route(mirror="b-predictor"))


def test_a_mirror_that_should_be_gone_is_a_difference():
    assert gateway.differs(route(mirror="b-predictor"), route())


@pytest.mark.parametrize(
    ("generation", "reason", "unsupported"),
    [(3, "UnsupportedValue", True), (2, "UnsupportedValue", False), (3, "NotAllowedByListeners", False)],
)
def test_a_gateway_may_say_that_it_does_not_support_what_is_asked(generation: int, reason: str, unsupported: bool):
    obj = answered(generation=generation, Accepted="False")
    obj["status"]["parents"][0]["conditions"][0]["reason"] = reason
    assert gateway.view(obj, GATEWAY).unsupported == unsupported


def test_a_default_that_a_newer_api_adds_is_none():
    stored = copy.deepcopy(route())
    stored["spec"]["rules"][0]["name"] = "rule-0"
    stored["spec"]["useDefaultGateways"] = "None"
    assert not gateway.differs(stored, route())


def test_it_is_followed_when_this_generation_is_accepted_and_resolved():
    view = gateway.view(answered(), GATEWAY)
    assert view.accepted
    assert view.shares == {"a-predictor": 75, "b-predictor": 25}


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (answered(generation=2), "has not said Accepted for generation 3"),
        (answered(ResolvedRefs="False"), "ResolvedRefs is False: Why: in words"),
        (answered(parent="other"), "does Gateway infra/gw exist"),
        (route(), "does Gateway infra/gw exist"),
    ],
)
def test_it_is_not_followed_otherwise_and_the_gateway_says_why(obj: dict[str, Any], words: str):
    view = gateway.view(obj, GATEWAY)
    assert not view.accepted
    assert words in view.complaint


def test_weights_of_others_are_read_as_percent_of_all():
    obj = route()
    obj["spec"]["rules"][0]["backendRefs"] = [
        {"name": "a", "weight": 1},
        {"name": "b", "weight": 3},
        {"name": "c", "weight": 0},
    ]
    assert gateway.view(obj, GATEWAY).shares == {"a": 25, "b": 75}


@pytest.mark.parametrize(
    ("parent", "wanted"),
    [
        (GatewayRef(name="gw", namespace="infra"), "infra/gw/a.example.com"),
        (GatewayRef(name="gw"), "team/gw/a.example.com"),
    ],
)
def test_routes_compete_for_a_host_of_a_gateway(parent: GatewayRef, wanted: str):
    made = gateway.render({"name": "a", "namespace": "team"}, host="a.example.com", gateway=parent, shares={}, port=80)
    assert gateway.site_of(made) == gateway.site("a.example.com", parent, namespace="team") == wanted


@pytest.mark.parametrize("spec", [{}, {"parentRefs": [{"name": "gw"}]}, {"hostnames": ["a"], "parentRefs": []}])
def test_a_route_without_host_or_gateway_competes_for_nothing(spec: dict[str, Any]):
    assert gateway.site_of({"metadata": {"namespace": "team"}, "spec": spec}) == ""
