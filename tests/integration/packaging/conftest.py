"""A control plane for packaging alone: its tests remove what the others stand on."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from own_cluster import Cluster, eventually, own_cluster
from releases import CRDS, apply_crds

PEOPLE = {"ann": "view", "eve": "edit", "bob": "edit", "ada": "admin"}
"""Who may do what in a tenant's namespace."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the lab."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("lab")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The control plane, with nothing of ours in it; at the end every namespace of the tests must go by itself."""
    with own_cluster(f"packaging-{os.getpid()}") as started:
        yield started
        eventually(
            "no namespace hangs in its deletion",
            lambda: not [name for name in started.names("namespaces") if name.startswith("team-")],
            seconds=60,
        )


@pytest.fixture(scope="module")
def installed_crds(cluster: Cluster) -> Iterator[Cluster]:
    """The control plane with our CRDs, as `kubectl apply` installs them."""
    apply_crds(cluster)
    yield cluster
    cluster.kubectl("delete", "--ignore-not-found", "--timeout=30s", "-f", CRDS)


@pytest.fixture(scope="module")
def module_team(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A tenant's namespace for a module, in which eve may edit, ann view and ada administer."""
    yield from _team(cluster, f"team-{request.module.__name__.rsplit('.')[-1].replace('_', '-')}")


@pytest.fixture
def team(cluster: Cluster) -> Iterator[str]:
    """A tenant's namespace for a test."""
    yield from _team(cluster, f"team-{secrets.token_hex(4)}")


def _team(cluster: Cluster, name: str) -> Iterator[str]:
    cluster.kubectl("create", "namespace", name)
    for person, role in PEOPLE.items():
        cluster.kubectl("create", "rolebinding", person, f"--clusterrole={role}", f"--user={person}", "-n", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
