"""A control plane for these tests alone: they install other releases, remove the kinds and bring integrations and take
them away, all of which other tests stand on.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from harness.definitions import install_serving_crds
from harness.lab import Lab, prepare
from harness.namespaces import fresh_namespace
from own_cluster import Cluster, own_cluster
from shipway.kube.client import Client


@pytest.fixture(scope="package")
def own() -> Iterator[Cluster]:
    """The control plane, with nothing of ours in it."""
    with own_cluster(f"lifecycle-{os.getpid()}") as started:
        yield started


@pytest.fixture(scope="package")
def bare_lab(own: Cluster) -> Lab:
    """The control plane with our kinds and the operator's rights, and without KServe and the Gateway API."""
    return asyncio.run(prepare(own.kubeconfig, own.kubeconfig.parent / "log" / "audit.log"))


@pytest.fixture
def own_lab(bare_lab: Lab, tmp_path: Path) -> Lab:
    """The control plane with everything an operator works with; tests play the controllers of others."""
    asyncio.run(install_serving_crds(bare_lab, tmp_path))
    return bare_lab


@pytest.fixture
async def admin(bare_lab: Lab) -> AsyncIterator[Client]:
    """A client with all rights there."""
    async with Client.connect(bare_lab.admin) as client:
        yield client


@pytest.fixture
async def team(admin: Client) -> AsyncIterator[str]:
    """A tenant's namespace there."""
    async with fresh_namespace(admin) as name:
        yield name
