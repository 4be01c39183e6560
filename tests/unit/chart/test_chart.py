"""The chart, rendered by Helm's own library: what comes out is valid, restricted and least in rights."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from shipway.api.labels import ACTION, ACTION_BY, ACTION_ID
from shipway.api.v1alpha1 import KINDS
from shipway.controllers.incident.people import ACKNOWLEDGED_BY, RESOLVED_BY
from shipway.settings import Settings

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "shipway"
KUBERNETES = "1.36"
NOT_BUILT_IN = {"CustomResourceDefinition", "ClusterServingRuntime", "ClusterStorageContainer", "PodMonitor"}
"""Kinds whose schemas come from elsewhere; the real API server checks them in the integration tests."""

Object = dict[str, Any]
PODMONITOR = {
    "enabled": True,
    "labels": {"release": "prom"},
    "authorization": {"credentials": {"name": "prometheus", "key": "token"}},
}
VALUE_SETS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": {
        "replicas": 3,
        "image": {"digest": "sha256:" + "0a" * 32},
        "imagePullSecrets": [{"name": "registry"}],
        "kserve": {"enabled": True},
        "actionStamp": {"mode": "mutating"},
        "metrics": {"service": {"enabled": True}, "podMonitor": PODMONITOR},
        "podLabels": {"team": "platform"},
        "podAnnotations": {"example.com/note": "yes"},
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "infra", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "serviceAccount": {"annotations": {"example.com/role": "shipway"}},
        "resources": {"requests": {"cpu": 1, "memory": "256Mi"}},
    },
    "two namespaces": {"watchNamespaces": ["team-a", "team-b"], "nameOverride": "shipway-ab"},
    "nothing optional": {
        "crds": {"enabled": False},
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "mine"},
        "networkPolicy": {"enabled": False},
        "kserve": {"enabled": False},
        "actionStamp": {"mode": "disabled"},
        "metrics": {"bind": "localhost", "authentication": False},
    },
    "an older cluster": {"actionStamp": {"mode": "validating"}},
}


def render(values: dict[str, Any]) -> dict[str, str]:
    return _render(json.dumps(values))


@cache
def _render(values: str) -> dict[str, str]:
    with helm.Chart.load(CHART) as chart:
        rendered: dict[str, str] = chart.render(json.loads(values), name="shipway", namespace="shipway-system")
    return rendered


def objects(values: dict[str, Any]) -> list[Object]:
    return _objects(json.dumps(values))


@cache
def _objects(values: str) -> list[Object]:
    manifests = (text for path, text in _render(values).items() if not path.endswith("NOTES.txt"))
    return [obj for text in manifests for obj in yaml.load_all(text, yaml.CSafeLoader) if obj]


def one(kind: str, values: dict[str, Any], name: str | None = None) -> Object:
    found = [o for o in objects(values) if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]


def container(values: dict[str, Any]) -> Object:
    found: Object = one("Deployment", values)["spec"]["template"]["spec"]["containers"][0]
    return found


def test_lint_finds_nothing_to_say() -> None:
    result = helm.lint(CHART, strict=True)

    assert [m for m in result["messages"] if "icon" not in m["error"]] == []
    assert result["errors"] == []


@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS.keys())
def test_every_manifest_is_valid_without_unknown_fields(values: dict[str, Any]) -> None:
    rendered = objects(values)

    assert any(o["kind"] == "Deployment" for o in rendered)
    for obj in rendered:
        if obj["kind"] not in NOT_BUILT_IN:
            kubernetes_validate.validate(obj, KUBERNETES, strict=True)


@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS.keys())
def test_no_object_is_rendered_twice(values: dict[str, Any]) -> None:
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects(values)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS.keys())
def test_every_object_says_whose_it_is(values: dict[str, Any]) -> None:
    for obj in objects(values):
        assert obj["metadata"]["labels"]["app.kubernetes.io/part-of"] == "shipway", obj["metadata"]["name"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"replicas": "2"}, "got string, want integer"),
        ({"image": {"digest": "latest"}}, "does not match pattern"),
        ({"image": {"tags": "1"}}, "additional properties 'tags' not allowed"),
        ({"kserve": {"enabled": "yes"}}, "'auto', true, false"),
        ({"crds": {"keep": "no"}}, "got string, want boolean"),
        ({"watchNamespaces": "team-a"}, "got string, want array"),
        ({"watchNamespaces": ["Team_A"]}, "does not match pattern"),
        ({"settings": {"workers": 0}}, "minimum"),
        ({"networkPolicy": {"apiServerPorts": []}}, "minItems"),
        ({"docsUrl": "docs.example.com"}, "does not match pattern"),
    ],
)
def test_a_wrong_value_is_refused(values: dict[str, Any], said: str) -> None:
    with helm.Chart.load(CHART) as chart, pytest.raises(helm.HelmError, match=re.escape(said)):
        chart.validate_schema(values)


def test_every_value_is_in_the_schema_and_in_the_readme() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    readme = (CHART / "README.md").read_text()
    documented = dict(re.findall(r"^\| `([A-Za-z.]+)` \| `(.*?)` \|", readme, flags=re.MULTILINE))

    for path, value in _leaves(yaml.safe_load((CHART / "values.yaml").read_text()), schema, ()):
        assert json.loads(documented.pop(path)) == value, f"README.md says another default for {path}"
    assert documented == {}


def _leaves(values: Any, schema: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        assert key in schema["properties"], f"values.schema.json lacks {'.'.join((*path, key))}"
        child = _resolved(schema["properties"][key])
        if isinstance(value, dict) and value and child.get("additionalProperties") is False and key != "resources":
            yield from _leaves(value, child, (*path, key))
        else:
            yield ".".join((*path, key)), value


def _resolved(schema: Any) -> Any:
    if "$ref" not in schema:
        return schema
    document = json.loads((CHART / "values.schema.json").read_text())
    return document["$defs"][schema["$ref"].removeprefix("#/$defs/")]


def test_the_crds_of_the_chart_are_those_of_the_folder() -> None:
    rendered = {o["metadata"]["name"]: o for o in objects({}) if o["kind"] == "CustomResourceDefinition"}
    plain = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]

    assert {name: o["spec"] for name, o in rendered.items()} == {o["metadata"]["name"]: o["spec"] for o in plain}


def test_crds_are_kept_unless_told_otherwise() -> None:
    kept = [o for o in objects({}) if o["kind"] == "CustomResourceDefinition"]
    dropped = [o for o in objects({"crds": {"keep": False}}) if o["kind"] == "CustomResourceDefinition"]

    assert {o["metadata"]["annotations"]["helm.sh/resource-policy"] for o in kept} == {"keep"}
    assert [o for o in dropped if "annotations" in o["metadata"]] == []


def test_the_operator_runs_restricted() -> None:
    pod = one("Deployment", {})["spec"]["template"]["spec"]
    security = container({})["securityContext"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["readOnlyRootFilesystem"] is True
    assert {"limits", "requests"} <= set(container({})["resources"])


def test_a_digest_wins_over_a_tag() -> None:
    digest = "sha256:" + "0a" * 32

    assert container({})["image"] == "ghcr.io/shipway-ml/operator:0.1.0"
    assert container({"image": {"tag": "0.1.1"}})["image"] == "ghcr.io/shipway-ml/operator:0.1.1"
    assert container({"image": {"tag": "x", "digest": digest}})["image"] == f"ghcr.io/shipway-ml/operator@{digest}"


def test_a_changed_setting_restarts_the_operator_and_nothing_else_does() -> None:
    def config_hash(values: dict[str, Any]) -> str:
        annotations = one("Deployment", values)["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["shipway.dev/config-hash"])

    assert config_hash({}) != config_hash({"settings": {"workers": 9}})
    assert config_hash({}) == config_hash({"networkPolicy": {"enabled": False}})


def test_settings_name_what_the_chart_made() -> None:
    values = {"nameOverride": "shipway-ab", "watchNamespaces": ["team-a", "team-b"]}
    data = one("ConfigMap", values)["data"]

    assert data["SHIPWAY_PROGRESS_URL"] == "http://shipway-ab.shipway-system.svc"
    assert data["SHIPWAY_NAMESPACES"] == "team-a,team-b"
    lease_rule = one("Role", values)["rules"][1]
    assert lease_rule["resourceNames"] == [data["SHIPWAY_LEASE"]]


def test_no_right_is_wider_than_a_name() -> None:
    """Neither a wildcard nor a way to become someone else, nor secrets."""
    for obj in objects({}):
        for rule in obj.get("rules", ()) if obj["kind"] in {"Role", "ClusterRole"} else ():
            assert "*" not in json.dumps(rule), obj["metadata"]["name"]
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
            assert "secrets" not in rule.get("resources", ())


def test_metrics_are_for_those_whom_rbac_lets_unless_told_otherwise() -> None:
    data = one("ConfigMap", {})["data"]
    assert (data["SHIPWAY_METRICS_BIND"], data["SHIPWAY_METRICS_AUTHENTICATION"]) == ("all", "true")
    assert one("ClusterRole", {}, "shipway-operator-metrics-reader")["rules"] == [
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
    ]
    assert _reviews({}) == ["subjectaccessreviews", "tokenreviews"]

    opened: dict[str, Any] = {"metrics": {"authentication": False}}
    assert one("ConfigMap", opened)["data"]["SHIPWAY_METRICS_AUTHENTICATION"] == "false"
    assert [o for o in objects(opened) if o["metadata"]["name"].endswith("metrics-reader")] == []
    assert _reviews(opened) == ["tokenreviews"]


def _reviews(values: dict[str, Any]) -> list[str]:
    rules = one("ClusterRole", values, "shipway-operator-cluster")["rules"]
    return sorted(resource for rule in rules for resource in rule["resources"] if resource.endswith("reviews"))


def test_metrics_of_the_pod_alone_are_offered_to_nobody_else() -> None:
    values: dict[str, Any] = {"metrics": {"bind": "localhost"}}

    assert one("ConfigMap", values)["data"]["SHIPWAY_METRICS_BIND"] == "localhost"
    assert [port["name"] for port in container(values)["ports"]] == ["http"]
    assert one("NetworkPolicy", values)["spec"]["ingress"][0]["ports"] == [{"port": "http"}]


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"bind": "localhost", "service": {"enabled": True}}, "metrics.service needs metrics.bind=all"),
        ({"bind": "localhost", "podMonitor": PODMONITOR}, "metrics.podMonitor needs metrics.bind=all"),
        ({"podMonitor": {"enabled": True}}, "metrics.podMonitor.authorization is empty"),
    ],
)
def test_a_scrape_that_would_fail_is_not_installed(metrics: dict[str, Any], said: str) -> None:
    with pytest.raises(helm.HelmError, match=said):
        render({"metrics": metrics})


def test_the_operator_never_writes_what_users_say() -> None:
    rules = one("ClusterRole", {}, "shipway-operator")["rules"]
    made_by_users = {"trainingjobs", "models", "servingdeployments"}

    for rule in rules:
        if made_by_users & set(rule["resources"]):
            assert rule["verbs"] == ["get", "list", "watch"]


def test_in_namespaces_the_operator_has_no_rights_elsewhere() -> None:
    values = {"watchNamespaces": ["team-a", "team-b"]}
    bindings = [o for o in objects(values) if o["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    reach = {(o["kind"], o["metadata"].get("namespace")): o["roleRef"]["name"] for o in bindings}

    assert reach == {
        ("ClusterRoleBinding", None): "shipway-operator-cluster",
        ("RoleBinding", "shipway-system"): "shipway-operator-leader",
        ("RoleBinding", "team-a"): "shipway-operator",
        ("RoleBinding", "team-b"): "shipway-operator",
    }


@pytest.mark.parametrize("kind", KINDS, ids=[kind.kind for kind in KINDS])
def test_every_kind_has_roles_for_people(kind: Any) -> None:
    viewer = one("ClusterRole", {}, f"shipway-{kind.singular}-viewer")
    editor = one("ClusterRole", {}, f"shipway-{kind.singular}-editor")

    assert viewer["rules"][0]["resources"] == [kind.plural, f"{kind.plural}/status"]
    assert editor["rules"][0]["resources"] == [kind.plural]
    assert viewer["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert "rbac.authorization.k8s.io/aggregate-to-view" not in editor["metadata"]["labels"]
    assert ("rbac.authorization.k8s.io/aggregate-to-edit" in editor["metadata"]["labels"]) is kind.namespaced


def test_the_operator_may_read_every_kind() -> None:
    rules = one("ClusterRole", {}, "shipway-operator")["rules"]
    namespaced = [kind.plural for kind in KINDS if kind.namespaced]

    assert rules[0]["resources"] == namespaced
    assert rules[1]["resources"] == [f"{plural}/status" for plural in namespaced]


def test_what_lies_outside_of_namespaces_is_read_by_an_operator_of_the_whole_cluster_only() -> None:
    def granted(values: dict[str, Any]) -> set[str]:
        rules = one("ClusterRole", values, "shipway-operator-cluster")["rules"]
        return {resource for rule in rules for resource in rule["resources"]}

    outside = {"namespaces", *(kind.plural for kind in KINDS if not kind.namespaced)}
    assert outside <= granted({})
    assert not outside & granted({"watchNamespaces": ["team-a"]})


def test_the_way_to_alertmanager_is_open_only_where_there_is_one() -> None:
    def ports(values: dict[str, Any]) -> set[int]:
        return {
            port["port"] for rule in one("NetworkPolicy", values)["spec"]["egress"] for port in rule.get("ports", ())
        }

    set_: dict[str, Any] = {"notifications": {"alertmanager": {"url": "http://alertmanager.monitoring.svc:9093"}}}
    assert 9093 not in ports({})
    assert 9093 in ports(set_)
    assert one("ConfigMap", set_)["data"]["SHIPWAY_ALERTMANAGER_URL"] == "http://alertmanager.monitoring.svc:9093"
    with pytest.raises(helm.HelmError, match="url"):
        render({"notifications": {"alertmanager": {"url": "http://me:secret@alertmanager:9093"}}})


def test_the_addresses_of_teams_are_mounted_and_the_way_is_open_only_where_there_are_some() -> None:
    set_: dict[str, Any] = {
        "notifications": {"apprise": {"secretName": "on-call"}},
        "networkPolicy": {"apprisePorts": [587]},
    }
    spec = one("Deployment", set_)["spec"]["template"]["spec"]
    (volume,) = [volume for volume in spec["volumes"] if "secret" in volume]
    (mount,) = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] == volume["name"]]
    assert (volume["secret"]["secretName"], volume["secret"]["optional"], mount["readOnly"]) == ("on-call", True, True)
    assert one("ConfigMap", set_)["data"]["SHIPWAY_APPRISE_FOLDER"] == mount["mountPath"]
    assert [{"port": 587}] in [rule.get("ports") for rule in one("NetworkPolicy", set_)["spec"]["egress"]]
    assert one("ConfigMap", {})["data"]["SHIPWAY_APPRISE_FOLDER"] == ""
    assert not [volume for volume in one("Deployment", {})["spec"]["template"]["spec"]["volumes"] if "secret" in volume]
    with pytest.raises(helm.HelmError, match="secretName"):
        render({"notifications": {"apprise": {"secretName": "On Call"}}})


def test_the_way_to_prometheus_is_open_only_where_there_is_one() -> None:
    def ports(values: dict[str, Any]) -> set[int]:
        rules = one("NetworkPolicy", values)["spec"]["egress"]
        return {port["port"] for rule in rules for port in rule.get("ports", ())}

    set_: dict[str, Any] = {"prometheus": {"url": "http://prometheus.monitoring.svc:9090"}}
    assert 9090 not in ports({})
    assert 9090 in ports(set_)
    assert one("ConfigMap", {})["data"]["SHIPWAY_PROMETHEUS_URL"] == ""
    assert one("ConfigMap", set_)["data"]["SHIPWAY_PROMETHEUS_URL"] == "http://prometheus.monitoring.svc:9090"
    with pytest.raises(helm.HelmError, match="url"):
        render({"prometheus": {"url": "http://me:secret@prometheus:9090"}})


def test_webhooks_are_reached_only_where_their_pods_agreed() -> None:
    anywhere = [rule for rule in one("NetworkPolicy", {})["spec"]["egress"] if "ports" not in rule]
    ((peer,),) = [rule["to"] for rule in anywhere]
    assert peer["podSelector"] == {"matchLabels": {"shipway.dev/webhook": "true"}}


def test_several_replicas_are_spread_and_not_all_evicted_at_once() -> None:
    alone, three = objects({}), objects({"replicas": 3})

    assert [o for o in alone if o["kind"] == "PodDisruptionBudget"] == []
    assert [o["spec"]["maxUnavailable"] for o in three if o["kind"] == "PodDisruptionBudget"] == [1]
    pod = one("Deployment", {"replicas": 3})["spec"]["template"]["spec"]
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_serving_objects_come_only_where_kserve_is() -> None:
    assert [o for o in objects({}) if o["apiVersion"].startswith("serving.kserve.io")] == []
    runtime = one("ClusterServingRuntime", {"kserve": {"enabled": True}})
    assert not any("model_name" in argument for argument in runtime["spec"]["containers"][0]["args"])


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("mutating", {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}),
        ("validating", {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}),
        ("disabled", set()),
    ],
)
def test_who_acted_is_stamped_or_checked_but_never_both(mode: str, kinds: set[str]) -> None:
    rendered = objects({"actionStamp": {"mode": mode}})

    assert {o["kind"] for o in rendered if "AdmissionPolicy" in o["kind"]} == kinds


@pytest.mark.parametrize("mode", ["mutating", "validating"])
def test_both_modes_look_after_the_names_on_deployments_and_on_incidents(mode: str) -> None:
    policies = [o["spec"] for o in objects({"actionStamp": {"mode": mode}}) if o["kind"].endswith("ingAdmissionPolicy")]
    names = {
        policy["matchConstraints"]["resourceRules"][0]["resources"][0]: set(
            re.findall(r"'(shipway.dev/[a-z-]+)'", policy["matchConditions"][0]["expression"])
        )
        for policy in policies
    }

    assert names == {
        "servingdeployments": {ACTION, ACTION_ID, ACTION_BY},
        "incidents": {ACKNOWLEDGED_BY, RESOLVED_BY},
    }
    assert all(policy["failurePolicy"] == "Fail" for policy in policies)


def test_a_backup_of_incidents_is_restored_with_the_names_it_has() -> None:
    policy = one("MutatingAdmissionPolicy", {"actionStamp": {"mode": "mutating"}}, "shipway-operator-incident-by")

    assert policy["spec"]["matchConstraints"]["resourceRules"][0]["operations"] == ["UPDATE"]


def test_incidents_lead_to_the_same_documentation_with_and_without_the_chart() -> None:
    assert one("ConfigMap", {})["data"]["SHIPWAY_DOCS_URL"] == Settings().docs_url
    mirror = "https://docs.example.com/shipway"
    assert one("ConfigMap", {"docsUrl": mirror})["data"]["SHIPWAY_DOCS_URL"] == mirror


def test_notes_say_what_is_missing_and_how_to_remove_everything() -> None:
    notes = render({})["shipway/templates/NOTES.txt"]

    assert "KServe is not installed here" in notes
    assert "kubectl delete crd -l app.kubernetes.io/part-of=shipway" in notes
