"""The CRDs of KServe and the Gateway API, as their Go modules bring them; their controllers are played by tests."""

import json
import shutil
import subprocess
from pathlib import Path

from harness.lab import Lab, install_crds
from shipway.kube.client import Client
from shipway_lab import paths

DEFINITIONS = (
    ("kserve", "github.com/kserve/kserve", "config/crd/full/serving.kserve.io_inferenceservices.yaml"),
    ("contour", "github.com/projectcontour/contour", "examples/gateway/00-crds.yaml"),
)
"""Our Go module, the dependency it pins, and the file in it."""


async def install_serving_crds(lab: Lab, folder: Path) -> None:
    """Install them by way of an empty folder."""
    for module, dependency, file in DEFINITIONS:
        command = ["go", "mod", "download", "-json", dependency]
        done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
            command, cwd=paths.go_modules() / module, capture_output=True, text=True, check=True
        )
        shutil.copy(Path(json.loads(done.stdout)["Dir"]) / file, folder / f"{module}.yaml")
    async with Client.connect(lab.admin) as client:
        await install_crds(client, [folder])
