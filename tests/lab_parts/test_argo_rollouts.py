"""Argo Rollouts as a part of the lab does its work: a canary gets its share of the route and loses it by a query.

Not part of the tiers: compiling it takes minutes. `make test-lab-parts` runs it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from own_cluster import Cluster, eventually, own_cluster
from shipway_lab.parts import argo_rollouts, prometheus

ARGO = "argoproj.io/v1alpha1"
GATEWAY = {"name": "shipway", "namespace": "projectcontour"}
ROLLOUT = "rollout.argoproj.io"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster("lab-parts-argo", "--with", "argo-rollouts,kwok", "--fake-nodes", "1") as started:
        eventually("a service account", lambda: started.succeeds("get", "serviceaccount", "default"))
        apply(started, *route_and_services(), harmful(), rollout())
        eventually("the first version runs", lambda: phase(started) == "Healthy")
        yield started


def test_a_canary_gets_its_share_of_the_route_and_is_taken_back_by_a_query(cluster: Cluster) -> None:
    assert weights(cluster) == {"stable": 100, "canary": 0}
    version = [{"op": "replace", "path": "/spec/template/metadata/annotations/version", "value": "2"}]
    cluster.kubectl("patch", ROLLOUT, "app", "--type=json", "-p", json.dumps(version))
    eventually("the canary has its share", lambda: weights(cluster) == {"stable": 90, "canary": 10})
    eventually("the analysis fails", lambda: phase(cluster) == "Degraded")
    eventually("the canary has lost its share", lambda: weights(cluster) == {"stable": 100, "canary": 0})


def weights(cluster: Cluster) -> dict[str, int]:
    backends = cluster.get("httproute", "app")["spec"]["rules"][0]["backendRefs"]
    return {backend["name"]: backend["weight"] for backend in backends}


def phase(cluster: Cluster) -> str:
    return str(cluster.get(ROLLOUT, "app").get("status", {}).get("phase", ""))


def apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def named(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def route_and_services() -> list[dict[str, Any]]:
    services = [
        named("v1", "Service", name, {"selector": {"app": "app"}, "ports": [{"port": 80}]})
        for name in ("stable", "canary")
    ]
    backends = [{"name": "stable", "port": 80, "weight": 100}, {"name": "canary", "port": 80, "weight": 0}]
    spec = {"parentRefs": [GATEWAY], "hostnames": ["app.example.com"], "rules": [{"backendRefs": backends}]}
    return [*services, named("gateway.networking.k8s.io/v1", "HTTPRoute", "app", spec)]


def harmful() -> dict[str, Any]:
    """An analysis that finds harm as soon as it looks, three seconds after the canary got its share."""
    metric = {
        "name": "harm",
        "initialDelay": "3s",
        "interval": "1s",
        "failureLimit": 0,
        "successCondition": "result[0] == 0",
        "provider": {"prometheus": {"address": prometheus.URL, "query": "vector(1)"}},
    }
    return named(ARGO, "AnalysisTemplate", "harm", {"metrics": [metric]})


def rollout() -> dict[str, Any]:
    canary = {
        "canaryService": "canary",
        "stableService": "stable",
        "trafficRouting": {"plugins": {argo_rollouts.PLUGIN: {"route": "app"}}},
        "analysis": {"templates": [{"templateName": "harm"}]},
        "steps": [{"setWeight": 10}, {"pause": {}}],
    }
    container = {"name": "main", "image": "nowhere/at-all:1"}
    template = {
        "metadata": {"labels": {"app": "app"}, "annotations": {"version": "1"}},
        "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
    }
    selector = {"matchLabels": {"app": "app"}}
    spec = {"replicas": 1, "selector": selector, "template": template, "strategy": {"canary": canary}}
    return named(ARGO, "Rollout", "app", spec)
