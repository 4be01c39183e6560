"""Install and uninstall, in any order: nothing hangs and nothing is lost that was to be kept."""

import json

from manifests import minimal
from own_cluster import Cluster, eventually
from releases import (
    CLUSTER_WIDE,
    CRDS,
    NAMESPACE,
    OURS,
    apply_crds,
    assert_nothing_is_left,
    install,
    kinds_of_ours,
    uninstall,
    upgrade,
    wait_for_kinds,
)
from shipway.api.v1alpha1 import KINDS


def create_one_of_each(cluster: Cluster, team: str) -> None:
    wait_for_kinds(cluster)
    for kind in KINDS:
        cluster.kubectl("create", "-n", team, "-f", "-", stdin=json.dumps(minimal(kind.kind)))


def objects(cluster: Cluster, team: str) -> dict[str, str]:
    """The versions of all objects of ours, by uid."""
    found = cluster.get("shipway", "-n", team)["items"]
    return {o["metadata"]["uid"]: o["metadata"]["resourceVersion"] for o in found}


def test_uninstalling_keeps_the_kinds_and_the_objects_and_a_new_install_takes_them_over(
    cluster: Cluster, team: str
) -> None:
    install(cluster)
    create_one_of_each(cluster, team)

    uninstall(cluster)
    assert len(kinds_of_ours(cluster)) == len(KINDS)
    assert len(objects(cluster, team)) == len(KINDS)
    assert cluster.names(CLUSTER_WIDE, "-l", OURS) == []

    install(cluster, {"crds": {"keep": False}})
    assert len(objects(cluster, team)) == len(KINDS)
    uninstall(cluster)
    assert_nothing_is_left(cluster)


def test_kinds_that_are_not_kept_go_with_their_objects(cluster: Cluster, team: str) -> None:
    install(cluster, {"crds": {"keep": False}})
    create_one_of_each(cluster, team)

    uninstall(cluster)
    assert_nothing_is_left(cluster)


def test_kinds_first_by_kubectl_then_the_chart_then_the_kinds_are_removed_first(cluster: Cluster, team: str) -> None:
    apply_crds(cluster)
    install(cluster, {"crds": {"enabled": False}})
    create_one_of_each(cluster, team)

    cluster.kubectl("delete", "--timeout=30s", "-f", CRDS)
    uninstall(cluster)
    assert_nothing_is_left(cluster)


def test_the_namespace_of_a_tenant_goes_while_the_operator_is_gone(cluster: Cluster, team: str) -> None:
    install(cluster)
    create_one_of_each(cluster, team)

    uninstall(cluster)
    cluster.kubectl("delete", "namespace", team, "--timeout=30s")
    cluster.kubectl("delete", "crd", "-l", OURS, "--timeout=30s")
    assert_nothing_is_left(cluster)


def test_an_upgrade_touches_no_object(cluster: Cluster, team: str) -> None:
    install(cluster, {"crds": {"keep": False}})
    create_one_of_each(cluster, team)
    before = objects(cluster, team)

    upgrade(cluster, {"crds": {"keep": False}, "settings": {"workers": 8}})

    assert objects(cluster, team) == before
    assert cluster.get("configmap", "shipway-operator", "-n", NAMESPACE)["data"]["SHIPWAY_WORKERS"] == "8"
    uninstall(cluster)
    assert_nothing_is_left(cluster)


def test_the_pod_is_admitted_where_pod_security_is_restricted(cluster: Cluster) -> None:
    install(cluster, {"crds": {"keep": False}, "replicas": 0})
    label = "pod-security.kubernetes.io/enforce"
    cluster.kubectl("label", "namespace", NAMESPACE, f"{label}=restricted")
    upgrade(cluster, {"crds": {"keep": False}})

    eventually("the operator's pod exists", lambda: len(cluster.names("pods", "-n", NAMESPACE)) == 1)
    uninstall(cluster)
    cluster.kubectl("label", "namespace", NAMESPACE, f"{label}-")
    assert_nothing_is_left(cluster)
