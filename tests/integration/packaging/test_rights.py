"""What the operator and people may do, asked of the real API server."""

from collections.abc import Iterator

import pytest

from own_cluster import Cluster, eventually
from releases import NAMESPACE, OPERATOR, allowed, assert_nothing_is_left, install, may, uninstall
from shipway.api import v1alpha1

NEEDED = [
    ("list", "shipway.dev/trainingjobs"),
    ("watch", "shipway.dev/servingdeployments"),
    ("update", "shipway.dev/trainingjobs/status"),
    ("update", "shipway.dev/incidents/status"),
    ("patch", "shipway.dev/incidents/status"),
    ("create", "shipway.dev/modelversions"),
    ("create", "shipway.dev/incidents"),
    ("delete", "shipway.dev/incidents"),
    ("update", "shipway.dev/trainingjobs/finalizers"),
    ("create", "/pods"),
    ("delete", "/pods"),
    ("watch", "/pods"),
    ("create", "/services"),
    ("patch", "/services"),
    ("create", "discovery.k8s.io/endpointslices"),
    ("patch", "serving.kserve.io/inferenceservices"),
    ("delete", "serving.kserve.io/inferenceservices"),
    ("patch", "gateway.networking.k8s.io/httproutes"),
    ("create", "events.k8s.io/events"),
]
OUTSIDE_OF_NAMESPACES = [
    ("watch", "shipway.dev/teams"),
    ("update", "shipway.dev/teams/status"),
    ("list", "/namespaces"),
]
"""What only an operator of the whole cluster may do."""
FORBIDDEN = [
    ("patch", "shipway.dev/trainingjobs"),
    ("patch", "shipway.dev/trainingjobs/status"),
    ("update", "shipway.dev/servingdeployments"),
    ("create", "shipway.dev/models"),
    ("update", "shipway.dev/teams"),
    ("patch", "/namespaces"),
    ("patch", "shipway.dev/modelversions"),
    ("delete", "shipway.dev/modelversions"),
    ("delete", "/services"),
    ("delete", "gateway.networking.k8s.io/httproutes"),
    ("patch", "/pods"),
    ("create", "/pods/exec"),
    ("get", "/secrets"),
    ("list", "/configmaps"),
    ("create", "/serviceaccounts/token"),
    ("get", "/nodes"),
    ("create", "rbac.authorization.k8s.io/rolebindings"),
    ("bind", "rbac.authorization.k8s.io/clusterroles"),
    ("escalate", "rbac.authorization.k8s.io/clusterroles"),
    ("impersonate", "/serviceaccounts"),
    ("delete", "discovery.k8s.io/endpointslices"),
    ("get", "apiextensions.k8s.io/customresourcedefinitions"),
]


KINDS = [f"shipway.dev/{kind.plural}" for kind in v1alpha1.KINDS if kind.namespaced]
CHANGES = ["create", "patch", "update", "delete", "deletecollection"]


@pytest.fixture(scope="module")
def team(cluster: Cluster, module_team: str) -> Iterator[str]:
    """A tenant's namespace beside the operator of the whole cluster."""
    install(cluster, {"crds": {"keep": False}})
    eventually("roles are aggregated", lambda: may(cluster, "eve", "create", "shipway.dev/trainingjobs", module_team))
    yield module_team
    uninstall(cluster)
    assert_nothing_is_left(cluster)


def test_the_operator_may_do_its_work(cluster: Cluster, team: str) -> None:
    assert allowed(cluster, OPERATOR, NEEDED + OUTSIDE_OF_NAMESPACES, team) == NEEDED + OUTSIDE_OF_NAMESPACES


def test_the_operator_may_do_no_more(cluster: Cluster, team: str) -> None:
    assert allowed(cluster, OPERATOR, FORBIDDEN, team) == []


def test_the_operator_takes_the_lease_of_its_own_namespace_only(cluster: Cluster, team: str) -> None:
    assert may(cluster, OPERATOR, "create", "coordination.k8s.io/leases", NAMESPACE)
    assert not may(cluster, OPERATOR, "create", "coordination.k8s.io/leases", team)
    assert not may(cluster, OPERATOR, "update", "coordination.k8s.io/leases", NAMESPACE)


def test_those_who_view_see_every_kind_and_change_none(cluster: Cluster, team: str) -> None:
    reads = [(verb, kind) for kind in KINDS for verb in ("get", "list", "watch")]
    assert allowed(cluster, "ann", reads, team) == reads
    assert allowed(cluster, "ann", [(verb, kind) for kind in KINDS for verb in CHANGES], team) == []


def test_those_who_edit_change_every_kind_but_incidents_and_no_status(cluster: Cluster, team: str) -> None:
    changes = [(verb, kind) for kind in KINDS for verb in CHANGES if not kind.endswith("/incidents")]
    assert allowed(cluster, "eve", changes, team) == changes
    assert allowed(cluster, "eve", [(verb, f"{kind}/status") for kind in KINDS for verb in CHANGES], team) == []


def test_teams_are_changed_by_nobody_who_has_a_namespace(cluster: Cluster, team: str) -> None:
    for person in ("ann", "eve", "ada"):
        assert allowed(cluster, person, [(verb, "shipway.dev/teams") for verb in CHANGES], team) == []


def test_nobody_hands_on_more_than_they_have(cluster: Cluster, team: str) -> None:
    further = [(verb, "rbac.authorization.k8s.io/clusterroles") for verb in ("bind", "escalate")]
    for person in ("ann", "eve", "ada"):
        assert allowed(cluster, person, further, team) == []


def test_an_incident_is_annotated_by_those_who_edit_and_removed_by_admins_only(cluster: Cluster, team: str) -> None:
    assert may(cluster, "eve", "patch", "shipway.dev/incidents", team)
    assert not may(cluster, "eve", "create", "shipway.dev/incidents", team)
    assert not may(cluster, "eve", "delete", "shipway.dev/incidents", team)
    assert may(cluster, "ada", "delete", "shipway.dev/incidents", team)
