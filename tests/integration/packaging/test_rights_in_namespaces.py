"""An operator that works in some namespaces has no rights in the others."""

from own_cluster import Cluster
from releases import NAMESPACE, OPERATOR, assert_nothing_is_left, install, may, uninstall


def test_an_operator_of_some_namespaces_has_no_rights_in_others(cluster: Cluster, team: str) -> None:
    install(cluster, {"watchNamespaces": [team], "crds": {"keep": False}})

    assert may(cluster, OPERATOR, "create", "/pods", team)
    assert not may(cluster, OPERATOR, "create", "/pods", "default")
    assert not may(cluster, OPERATOR, "list", "shipway.dev/trainingjobs", "default")
    assert not may(cluster, OPERATOR, "create", "/pods", NAMESPACE)
    uninstall(cluster)
    assert_nothing_is_left(cluster)
