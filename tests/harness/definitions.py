"""The CRDs of KServe and the Gateway API, as their Go modules bring them; their controllers are played by tests."""

import json
import shutil
import subprocess
from pathlib import Path

from harness.lab import Lab, install_crds
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE
from shipway_lab import paths

DEFINITIONS = (
    ("kserve", "github.com/kserve/kserve", "config/crd/full/serving.kserve.io_inferenceservices.yaml"),
    ("contour", "github.com/projectcontour/contour", "examples/gateway/00-crds.yaml"),
)
"""Our Go module, the dependency it pins, and the file in it."""


async def install_serving_crds(lab: Lab, folder: Path) -> None:
    """Install them by way of an empty folder, unless they are there."""
    if await _served(lab):
        return
    for module, dependency, file in DEFINITIONS:
        command = ["go", "mod", "download", "-json", dependency]
        done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
            command, cwd=paths.go_modules() / module, capture_output=True, text=True, check=True
        )
        shutil.copy(Path(json.loads(done.stdout)["Dir"]) / file, folder / f"{module}.yaml")
    async with Client.connect(lab.admin) as client:
        await install_crds(client, [folder])


async def _served(lab: Lab) -> bool:
    async with Client.connect(lab.admin) as client:
        try:
            for resource in (INFERENCE_SERVICE, HTTP_ROUTE):
                await client.list(resource)
        except NotFoundError:
            return False
    return True
