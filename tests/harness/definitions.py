"""The CRDs of KServe and the Gateway API, as their Go modules bring them; their controllers are played by tests."""

import json
import shutil
import subprocess
from pathlib import Path

from harness.builders import model_version, serving_deployment, training_job
from harness.lab import Lab, install_crds
from harness.namespaces import fresh_namespace
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import (
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    MODEL_VERSION,
    SERVING_DEPLOYMENT,
    TRAINING_JOB,
    Object,
    Resource,
)
from shipway_lab import paths

FOLLOWED: dict[Resource, Object] = {
    TRAINING_JOB: training_job(),
    MODEL_VERSION: model_version(),
    SERVING_DEPLOYMENT: serving_deployment(model="ranker", version="v1", host="r.example.com", gateway={"name": "gw"}),
    INFERENCE_SERVICE: {"metadata": {"name": "any"}, "spec": {"predictor": {}}},
    HTTP_ROUTE: {"metadata": {"name": "any"}, "spec": {}},
}
"""The kinds that own something of ours or are owned by us, with an object each."""
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
    """Wait until the garbage collector follows our kinds and those of what we own, whose definitions must be there.

    It asks for new kinds twice a minute, and where a kind was taken away and brought back it looks for its objects at
    growing distances. What ends in between, it never hears of, and what that owned stays. An object that leaves orphans
    ends only once the garbage collector has heard of it.
    """
    async with Client.connect(lab.admin) as client, fresh_namespace(client) as namespace:
        for resource, body in FOLLOWED.items():
            name = body["metadata"]["name"]
            typed = {**body, "apiVersion": resource.api_version, "kind": resource.kind}
            await client.create(resource, {**typed, "metadata": {"name": name, "namespace": namespace}})
            await client.delete(resource, namespace, name, propagation="Orphan")

        async def followed() -> bool:
            return not [obj for resource in FOLLOWED for obj in (await client.list(resource, namespace)).items]

        await eventually(followed, within=120, every=0.5, what="the garbage collector follows our kinds")


async def _served(lab: Lab) -> bool:
    async with Client.connect(lab.admin) as client:
        try:
            for resource in (INFERENCE_SERVICE, HTTP_ROUTE):
                await client.list(resource)
        except NotFoundError:
            return False
    return True
