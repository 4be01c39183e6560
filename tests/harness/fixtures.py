"""pytest fixtures; loaded by tests/conftest.py."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from harness.lab import OPERATOR_USER, Lab, kubeconfig, prepare
from harness.leaks import no_leaks
from harness.namespaces import fresh_namespace
from harness.process import OperatorProcess, operator_process
from shipway.kube.client import Client


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The cluster, with CRDs and the chart's rights for operators; one for the whole session.

    The session fails in the end if a secret was said anywhere in it, or if RBAC refused an operator something.
    """
    with kubeconfig() as (path, audit_log):
        made = asyncio.run(prepare(path, audit_log))
        began = time.time()
        with no_leaks(made.admin, hidden=made.operator):
            yield made
        refused = [e for e in made.audit.entries() if e.time >= began and e.user == OPERATOR_USER and not e.authorized]
        assert not refused, "\n".join(map(str, refused))


@pytest.fixture
async def kube(lab: Lab) -> AsyncIterator[Client]:
    """A client with all rights."""
    async with Client.connect(lab.admin) as client:
        yield client


@pytest.fixture
async def namespace(kube: Client) -> AsyncIterator[str]:
    """A fresh namespace under Pod Security `restricted`."""
    async with fresh_namespace(kube) as name:
        yield name


@pytest.fixture
async def operator(lab: Lab, namespace: str, tmp_path: Path) -> AsyncIterator[OperatorProcess]:
    """The real operator as a process, ready, on the test's namespace."""
    async with operator_process(lab, tmp_path, namespaces=[namespace]) as process:
        yield process
