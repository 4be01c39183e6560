"""An API server that knows KServe and the Gateway API, to be asked without consequences."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from harness.definitions import install_serving_crds
from harness.lab import Lab
from integration.security.dry_run import DryRun


@pytest.fixture
async def server(lab: Lab, namespace: str, tmp_path: Path) -> AsyncIterator[DryRun]:
    await install_serving_crds(lab, tmp_path)
    async with aiohttp.ClientSession() as session:
        yield DryRun(session, lab.admin.server, lab.admin.ssl_context(), namespace, asyncio.Semaphore(16))
