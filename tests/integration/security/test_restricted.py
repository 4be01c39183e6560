"""Every pod of ours is let into a namespace under Pod Security `restricted`."""

from typing import Any

import helm_python as helm
import pytest
import yaml

from harness.builders import DIGEST
from harness.lab import ROOT
from integration.security.dry_run import DryRun
from integration.security.fields import FULL
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentSpec, VersionRef
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.modelversion.children import verify_pod
from shipway.controllers.servingdeployment.children import inference_service
from shipway.controllers.trainingjob.children import training_pod
from shipway.kube.resource import OWN, POD, Object

pytestmark = pytest.mark.lab


async def test_the_operators_own_pod(server: DryRun) -> None:
    (deployment,) = (doc for doc in _chart({"replicas": 2}) if doc["kind"] == "Deployment")
    await _assert_let_in(server, deployment["spec"]["template"]["spec"])


async def test_training_and_verification(server: DryRun) -> None:
    for body in FULL["TrainingJob"]:
        job = await _stored(server, body)
        spec = TrainingJobSpec.model_validate(job["spec"])
        for rank in (0, 1):
            pod = training_pod(job, spec, attempt=1, rank=rank, image="image:1", progress_url="http://operator")
            await _assert_let_in(server, pod["spec"])
    version = await _stored(server, FULL["ModelVersion"][0])
    pod = verify_pod(version, ModelVersionSpec.model_validate(version["spec"]), image="image:1")
    await _assert_let_in(server, pod["spec"])


async def test_the_predictor_and_what_fetches_its_artifact(server: DryRun) -> None:
    """As KServe puts them together: the runtime's containers, our pod and the container that brings the artifact."""
    sdep = await _stored(server, FULL["ServingDeployment"][0])
    version = await _stored(server, FULL["ModelVersion"][0])
    ref = VersionRef(version="v1", digest=DIGEST, inference_service="ranker-v1", predictor_hash="0")
    spec = ServingDeploymentSpec.model_validate(sdep["spec"])
    predictor = inference_service(sdep, spec, ref, version)["spec"]["predictor"]
    chart = {doc["kind"]: doc.get("spec") for doc in _chart({"kserve": {"enabled": True}})}
    runtime, fetcher = chart["ClusterServingRuntime"], chart["ClusterStorageContainer"]["container"]
    (container,) = runtime["containers"]
    own = {"securityContext": predictor["model"]["securityContext"]}
    for serving in (container, {**container, **own}):
        await _assert_let_in(
            server,
            {
                "securityContext": predictor["securityContext"],
                "initContainers": [fetcher],
                "containers": [serving],
                "volumes": runtime["volumes"],
            },
        )


def _chart(values: dict[str, Any]) -> list[Object]:
    with helm.Chart.load(ROOT / "charts" / "shipway") as chart:
        rendered: dict[str, str] = chart.render(values, name="shipway", namespace="shipway-system")
    texts = (text for path, text in rendered.items() if path.endswith(".yaml") and "/crds/" not in path)
    return [doc for text in texts for doc in yaml.safe_load_all(text) if doc]


async def _stored(server: DryRun, body: Object) -> Object:
    stored = await server.create(OWN[body["kind"]], body)
    assert stored is not None
    return stored


async def _assert_let_in(server: DryRun, spec: Object) -> None:
    # Whether the account exists is asked of pods as well, and makes no difference to Pod Security.
    spec = {field: value for field, value in spec.items() if field != "serviceAccountName"}
    answer = await server.ask(POD, {"metadata": {"name": "pod"}, "spec": spec})
    assert answer["kind"] == POD.kind, answer["message"]
    privileged = [{**spec["containers"][0], "securityContext": {"privileged": True}}]
    assert await server.create(POD, {"metadata": {"name": "pod"}, "spec": {**spec, "containers": privileged}}) is None
