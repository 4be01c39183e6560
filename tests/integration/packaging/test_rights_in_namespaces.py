"""An operator that works in some namespaces has no rights in the others."""

from integration.packaging.test_rights import FORBIDDEN, NEEDED, OUTSIDE_OF_NAMESPACES
from own_cluster import Cluster
from releases import NAMESPACE, OPERATOR, allowed, assert_nothing_is_left, install, uninstall


def test_an_operator_of_some_namespaces_has_no_rights_in_others(cluster: Cluster, team: str) -> None:
    install(cluster, {"watchNamespaces": [team], "crds": {"keep": False}})

    assert allowed(cluster, OPERATOR, NEEDED, team) == NEEDED
    assert allowed(cluster, OPERATOR, FORBIDDEN, team) == []
    assert allowed(cluster, OPERATOR, OUTSIDE_OF_NAMESPACES, team) == []
    for elsewhere in ("default", NAMESPACE):
        assert allowed(cluster, OPERATOR, NEEDED, elsewhere) == []
    uninstall(cluster)
    assert_nothing_is_left(cluster)
