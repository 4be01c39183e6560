"""What a tenant cannot do: reach into another namespace, or find a secret in what the operator says."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from harness.builders import model, model_version, serving_deployment, training_job
from harness.definitions import install_serving_crds
from harness.lab import ROOT, Lab
from harness.namespaces import fresh_namespace
from harness.process import operator_process
from harness.waiting import eventually
from integration.security.dry_run import DryRun
from integration.security.fields import FULL, SchemaPath, is_name, places, spec_schemas, texts, with_text
from shipway.kube.client import Client
from shipway.kube.credentials import FixedToken
from shipway.kube.resource import (
    EVENT,
    INFERENCE_SERVICE,
    MODEL,
    MODEL_VERSION,
    OWN,
    POD,
    SERVING_DEPLOYMENT,
    TRAINING_JOB,
    Object,
    Resource,
)

pytestmark = pytest.mark.lab
SECRET = Resource("", "v1", "secrets", "Secret")
STORAGE = {"uri": "s3://models/test"}
SERVING: dict[str, Any] = {"model": "ranker", "version": "v1", "host": "r.example.com", "gateway": {"name": "gw"}}
REFERENCES: dict[str, set[SchemaPath]] = {
    "TrainingJob": {
        ("serviceAccountName",),
        ("storage", "secretName"),
        ("output", "model"),
        ("output", "version"),
    },
    "Model": {("aliases", "[]", "version")},
    "ModelVersion": {("modelName",), ("version",), ("source", "secretName"), ("lineage", "trainingJob", "name")},
    "ServingDeployment": {
        ("model",),
        ("version",),
        ("alias",),
        ("gateway", "name"),
        ("gateway", "namespace"),
        ("predictor", "runtime"),
        ("predictor", "storageContainerName"),
        ("predictor", "serviceAccountName"),
    },
}
"""Every field that names another object."""
MARKER = "AKIA-marker-that-nobody-may-read"


@pytest.mark.parametrize("name", ["other/thing", "../other/thing", "other:thing", "Other.Thing", "-other"])
async def test_no_reference_takes_a_name_that_could_mean_another_namespace(server: DryRun, name: str) -> None:
    for kind, objects in FULL.items():
        schema = spec_schemas()[kind]
        names = {path for path in texts(schema) if is_name(schema, path)}
        assert names >= REFERENCES[kind]
        for obj in objects:
            for path, place in places(schema, obj["spec"]):
                wrong = {**obj, "spec": with_text(obj["spec"], place, name)}
                if path in names:
                    assert await server.create(OWN[kind], wrong) is None, f"{kind} {path}"


def test_no_field_of_a_spec_names_a_namespace_but_that_of_the_gateway() -> None:
    found = {
        f"{crd['spec']['names']['kind']}.{path}"
        for file in sorted((ROOT / "crds").glob("*.yaml"))
        for crd in yaml.safe_load_all(file.read_text())
        if crd and crd["kind"] == "CustomResourceDefinition" and crd["spec"]["scope"] == "Namespaced"
        for version in crd["spec"]["versions"]
        for path in _paths(version["schema"]["openAPIV3Schema"]["properties"]["spec"], "spec")
        if "namespace" in path.rpartition(".")[2].lower()
    }
    assert found == {"ServingDeployment.spec.gateway.namespace"}  # whether it lets routes in is the Gateway's decision


async def test_a_version_of_another_namespace_is_not_served(
    lab: Lab, kube: Client, namespace: str, tmp_path: Path
) -> None:
    await install_serving_crds(lab, tmp_path)
    async with (
        fresh_namespace(kube) as other,
        operator_process(lab, tmp_path, namespaces=[namespace, other]),
    ):
        for where in (namespace, other):
            await kube.create(MODEL, model(namespace=where))
        await kube.create(MODEL_VERSION, model_version(namespace=other))
        await eventually(partial(kube.get, POD, other, "ranker-v1-verify"), what="the version is looked at")
        await kube.create(SERVING_DEPLOYMENT, serving_deployment(namespace=namespace, **SERVING))

        async def told() -> bool:
            status = (await kube.get(SERVING_DEPLOYMENT, namespace, "ranker"))["status"]
            ready = next(c for c in status["conditions"] if c["type"] == "Ready")
            return ready["reason"] == "VersionMissing"

        await eventually(told, what="the version is missing here")
        assert not (await kube.list(INFERENCE_SERVICE, namespace)).items


async def test_no_secret_is_in_logs_events_or_status(lab: Lab, kube: Client, namespace: str, tmp_path: Path) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "storage", "namespace": namespace},
        "stringData": {"AWS_SECRET_ACCESS_KEY": MARKER},
    }
    await kube.create(SECRET, secret)
    async with operator_process(lab, tmp_path, namespaces=[namespace]) as operator:
        await kube.create(MODEL, model(namespace=namespace))
        storage = {**STORAGE, "secretName": "storage"}
        await kube.create(TRAINING_JOB, training_job(namespace=namespace, storage=storage))
        await eventually(partial(kube.get, POD, namespace, "train-1-0"), what="the pod")
        url = f"{operator.http}/v1/namespaces/{namespace}/trainingjobs/train/progress"
        headers = {"Authorization": f"Bearer {MARKER}"}
        async with aiohttp.ClientSession() as session, session.post(url, json={}, headers=headers) as response:
            assert response.status == 401
        await kube.delete(POD, namespace, "train-1-0", grace_seconds=0)
        await eventually(partial(kube.get, POD, namespace, "train-2-0"), what="the next attempt")
        said = operator.log() + await _said(kube, namespace)
    assert "train" in said
    assert isinstance(lab.operator.token, FixedToken)
    for hidden in (MARKER, lab.operator.token.value):
        assert hidden not in said


async def _said(kube: Client, namespace: str) -> str:
    objects: list[Object] = []
    for resource in (*OWN.values(), EVENT, POD):
        objects += (await kube.list(resource, namespace)).items
    return str(objects)


def _paths(schema: Object, path: str) -> Iterator[str]:
    yield path
    for name, part in (schema.get("properties") or {}).items():
        yield from _paths(part, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from _paths(schema["items"], path)
