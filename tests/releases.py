"""The product installed into and removed from a cluster: the CRDs by kubectl, the chart by Helm's own library."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import helm_python as helm

from own_cluster import Cluster, eventually

ROOT = Path(__file__).parents[1]
CRDS = str(ROOT / "crds")
CHART = str(ROOT / "charts" / "shipway")
NAMESPACE = "shipway-system"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:shipway-operator"
"""The user the operator's pod is to the API server."""
OURS = "app.kubernetes.io/part-of=shipway"
CLUSTER_WIDE = (
    "clusterroles,clusterrolebindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings,"
    "validatingadmissionpolicies,validatingadmissionpolicybindings"
)


def apply_crds(cluster: Cluster) -> None:
    """Install the CRDs by kubectl and wait until the API server serves them."""
    cluster.kubectl("apply", "--server-side", "-f", CRDS)
    wait_for_kinds(cluster)


def wait_for_kinds(cluster: Cluster) -> None:
    """Wait until the API server serves those of our kinds that there are.

    A kind that goes before it was served hangs for minutes: the API server cannot look for its objects ("storage is
    (re)initializing") and asks itself again ever less often.
    """
    if kinds := kinds_of_ours(cluster):
        eventually("our kinds are served", lambda: cluster.succeeds("get", ",".join(kinds), "-A"))


def install(cluster: Cluster, values: dict[str, Any] | None = None) -> None:
    """Install the chart; it does not wait for pods, which need a node. What a failed test left is removed first."""
    uninstall(cluster)
    with config(cluster) as helm_config:
        release = helm_config.install(CHART, "shipway", values or {}, create_namespace=True)
    assert release["status"] == "deployed"


def upgrade(cluster: Cluster, values: dict[str, Any]) -> None:
    """Upgrade the release to these values."""
    with config(cluster) as helm_config:
        helm_config.upgrade(CHART, "shipway", values)


def uninstall(cluster: Cluster) -> None:
    """Remove the release, if there is one, and wait until what it made is gone."""
    wait_for_kinds(cluster)
    with config(cluster) as helm_config:
        helm_config.uninstall("shipway", ignore_not_found=True, timeout=60, wait="watcher")


def kinds_of_ours(cluster: Cluster) -> list[str]:
    """Names of our CRDs that are there."""
    return [name for name in cluster.names("crd") if name.endswith(".shipway.dev")]


def assert_nothing_is_left(cluster: Cluster) -> None:
    """Nothing of ours remains beyond the namespace that Helm does not remove."""
    assert cluster.names(CLUSTER_WIDE, "-l", OURS) == []
    assert kinds_of_ours(cluster) == []
    assert cluster.names("all,configmaps,leases,roles,rolebindings", "-n", NAMESPACE, "-l", OURS) == []


def may(cluster: Cluster, user: str, verb: str, what: str, namespace: str) -> bool:
    """Whether the API server would let the user; `what` is GROUP/RESOURCE or GROUP/RESOURCE/SUBRESOURCE."""
    return allowed(cluster, user, [(verb, what)], namespace) == [(verb, what)]


def allowed(cluster: Cluster, user: str, questions: Sequence[tuple[str, str]], namespace: str) -> list[tuple[str, str]]:
    """Those of the questions, each a verb and what, that the API server answers with yes."""
    reviews = [_review(user, verb, what, namespace) for verb, what in questions]
    asked = {"apiVersion": "v1", "kind": "List", "items": reviews}
    each = "jsonpath={.status.allowed}{'\\n'}"
    answers = cluster.kubectl("create", "-o", each, "-f", "-", stdin=json.dumps(asked)).split()
    return [question for question, answer in zip(questions, answers, strict=True) if answer == "true"]


def _review(user: str, verb: str, what: str, namespace: str) -> dict[str, Any]:
    group, resource, *rest = what.split("/")
    where = {"namespace": namespace, "group": group, "resource": resource, "subresource": "".join(rest)}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": {**where, "verb": verb}},
    }


@contextmanager
def config(cluster: Cluster) -> Iterator[helm.Config]:
    """Helm's view of the cluster."""
    with helm.Config(kubeconfig_path=cluster.kubeconfig, namespace=NAMESPACE) as helm_config:
        yield helm_config
