"""The cluster with the definitions of KServe and the Gateway API; their controllers are played by the tests."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.lab import Lab, install_crds
from shipway.kube.client import Client
from shipway_lab import paths

DEFINITIONS = (
    ("kserve", "github.com/kserve/kserve", "config/crd/full/serving.kserve.io_inferenceservices.yaml"),
    ("contour", "github.com/projectcontour/contour", "examples/gateway/00-crds.yaml"),
)
"""Our Go module, the dependency it pins, and the file in it."""


@pytest.fixture(scope="session")
def serving_lab(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lab with KServe's and the Gateway API's CRDs, as their Go modules bring them."""
    folder = tmp_path_factory.mktemp("definitions")
    for module, dependency, file in DEFINITIONS:
        command = ["go", "mod", "download", "-json", dependency]
        done = subprocess.run(command, cwd=paths.go_modules() / module, capture_output=True, text=True, check=True)
        shutil.copy(Path(json.loads(done.stdout)["Dir"]) / file, folder / f"{module}.yaml")
    asyncio.run(_install(lab, folder))
    return lab


async def _install(lab: Lab, folder: Path) -> None:
    async with Client.connect(lab.admin) as client:
        await install_crds(client, [folder])
