"""The CRDs of KServe and the Gateway API, as their Go modules bring them; their controllers are played by tests."""

import json
import shutil
import subprocess
import uuid
from pathlib import Path

from harness.lab import Lab, install_crds
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE, OWN, Resource
from shipway_lab import paths

CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
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


async def garbage_is_collected(lab: Lab) -> None:
    """Wait until the garbage collector knows the kinds that were installed last: it asks for new ones twice a minute.

    Something that belongs to an object which never was is garbage at once, and stays as long as the kind is unknown.
    """
    mark = f"garbage-{uuid.uuid4().hex[:8]}"
    async with Client.connect(lab.admin) as client:
        for kind in OWN.values():
            owner = {"apiVersion": kind.api_version, "kind": kind.kind, "name": "nobody", "uid": str(uuid.uuid4())}
            meta = {"name": f"{mark}-{kind.plural}", "namespace": "default", "ownerReferences": [owner]}
            await client.create(CONFIG_MAP, {"apiVersion": "v1", "kind": CONFIG_MAP.kind, "metadata": meta})

        async def gone() -> bool:
            found = await client.list(CONFIG_MAP, "default", metadata_only=True)
            return not [item for item in found.items if item["metadata"]["name"].startswith(mark)]

        await eventually(gone, within=120, every=0.5, what="the garbage collector knows our kinds")


async def _served(lab: Lab) -> bool:
    async with Client.connect(lab.admin) as client:
        try:
            for resource in (INFERENCE_SERVICE, HTTP_ROUTE):
                await client.list(resource)
        except NotFoundError:
            return False
    return True
