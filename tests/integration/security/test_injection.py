"""Nothing a tenant writes into a field becomes a command, an image, a template or somebody's secret."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from harness.builders import DIGEST
from integration.security.dry_run import DryRun
from integration.security.fields import FULL, Place, places, spec_schemas, text_at, texts, with_text
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentSpec, VersionRef
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.modelversion.children import verify_pod
from shipway.controllers.servingdeployment.children import inference_service, route
from shipway.controllers.trainingjob.children import RECIPES, training_pod
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE, OWN, POD, Object

pytestmark = pytest.mark.lab
HOSTILE = (
    "; touch /tmp/owned #",
    "`touch /tmp/owned`",
    "$(AWS_SECRET_ACCESS_KEY)",
    "$$(AWS_SECRET_ACCESS_KEY)",
    "x\nimage: evil",
    "../../../../etc/passwd",
    "{{.Name}}",
    "{{printf `%c` 34}}",
    "--help",
)
OUR_IMAGE = "workloads:1"
SECRET = {"AWS_SECRET_ACCESS_KEY": "the-secret"}


def test_every_text_of_every_spec_that_tenants_write_is_tried() -> None:
    schemas = spec_schemas()
    assert FULL.keys() == schemas.keys() - {"Incident", "Team"}  # which tenants cannot create
    for kind, objects in FULL.items():
        tried = {path for obj in objects for path, _ in places(schemas[kind], obj["spec"])}
        assert tried == set(texts(schemas[kind])), kind


async def test_no_text_of_a_training_job_changes_what_its_pod_may_do(server: DryRun) -> None:
    made = 0
    async for obj, place, text in _admitted(server, "TrainingJob"):
        spec = TrainingJobSpec.model_validate(obj["spec"])
        pod = training_pod(obj, spec, attempt=1, rank=0, image=spec.image or OUR_IMAGE, progress_url="http://op")
        stored = await server.create(POD, _with_default_account(pod))
        if stored is None:
            continue
        made += 1
        container = _only_container(stored)
        assert container["image"] == (text if place == ("image",) else spec.image or OUR_IMAGE)
        assert container["command"] == (spec.command or RECIPES["ranker"])
        assert container.get("args", []) == spec.args
        assert container.get("envFrom", []) == [{"secretRef": {"name": spec.storage.secret_name}}]
        assert SECRET["AWS_SECRET_ACCESS_KEY"] not in json.dumps(_environment(container))
        _assert_no_more_rights(stored)
    assert made > 100


async def test_no_text_of_a_version_changes_what_is_verified(server: DryRun) -> None:
    made = 0
    async for obj, _, _ in _admitted(server, "ModelVersion"):
        spec = ModelVersionSpec.model_validate(obj["spec"])
        stored = await server.create(POD, verify_pod(obj, spec, image=OUR_IMAGE))
        if stored is None:
            continue
        made += 1
        container = _only_container(stored)
        assert container["image"] == OUR_IMAGE
        assert [_expanded(word, SECRET) for word in container["command"]] == [
            "python",
            "-m",
            "shipway_workloads.verify",
            "--uri",
            spec.source.uri,
        ]
        assert "args" not in container
        assert spec.source.uri.partition("://")[0].isalnum()  # no word of ours begins with a dash
        _assert_no_more_rights(stored)
    assert made > 100


async def test_no_text_of_a_version_changes_how_it_is_served(server: DryRun) -> None:
    sdep = await server.create(OWN["ServingDeployment"], FULL["ServingDeployment"][0])
    assert sdep is not None
    async for obj, _, _ in _admitted(server, "ModelVersion"):
        await _assert_served_as_written(server, sdep, obj)


async def test_no_text_of_a_serving_deployment_changes_how_a_version_is_served(server: DryRun) -> None:
    version = await server.create(OWN["ModelVersion"], FULL["ModelVersion"][0])
    assert version is not None
    async for obj, _, _ in _admitted(server, "ServingDeployment"):
        await _assert_served_as_written(server, obj, version)
        spec = ServingDeploymentSpec.model_validate(obj["spec"])
        stored = await server.create(HTTP_ROUTE, route(obj, spec, {"ranker-v1": 100}))
        assert stored is not None
        assert stored["spec"]["hostnames"] == [spec.host]
        assert [ref["name"] for ref in stored["spec"]["rules"][0]["backendRefs"]] == ["ranker-v1-predictor"]


async def _assert_served_as_written(server: DryRun, sdep: Object, version: Object) -> None:
    spec = ServingDeploymentSpec.model_validate(sdep["spec"])
    source = ModelVersionSpec.model_validate(version["spec"])
    ref = VersionRef(version=source.version, digest=DIGEST, inference_service="ranker-v1", predictor_hash="0")
    stored = await server.create(INFERENCE_SERVICE, inference_service(sdep, spec, ref, version))
    if stored is None:
        return
    predictor = stored["spec"]["predictor"]
    container = predictor["model"]
    assert container["args"] == [f"--model_name={spec.model}"]
    assert _expanded(container["storageUri"], SECRET) == source.source.uri
    assert {"containers", "volumes", "hostNetwork", "hostPID", "initContainers"}.isdisjoint(predictor)
    # What KServe runs as a Go template.
    code = json.dumps({part: value for part, value in container.items() if part in {"args", "env", "resources"}})
    assert "{{" not in code.replace("{{`{{`}}", "")


async def _admitted(server: DryRun, kind: str) -> AsyncIterator[tuple[Object, Place, str]]:
    """Every hostile object that the API server lets in, as it would be stored."""
    cases = list(_hostile(kind))
    stored = await asyncio.gather(*(server.create(OWN[kind], body) for body, _, _ in cases))
    assert None in stored, "the API server refuses nothing"
    for obj, (_, place, text) in zip(stored, cases, strict=True):
        if obj is not None:
            yield obj, place, text


def _hostile(kind: str) -> Iterator[tuple[Object, Place, str]]:
    schema = spec_schemas()[kind]
    for obj in FULL[kind]:
        for _, place in places(schema, obj["spec"]):
            usual = text_at(obj["spec"], place)
            for hostile in HOSTILE:
                # By itself, after what the field's form wants, and without the spaces many forms forbid.
                for text in {hostile, usual + hostile, f"{usual}/{''.join(hostile.split())}"}:
                    yield {**obj, "spec": with_text(obj["spec"], place, text)}, place, text


def _with_default_account(pod: Object) -> Object:
    """A dry run asks for the service account to exist; which one it is makes no difference here."""
    return {**pod, "spec": {key: value for key, value in pod["spec"].items() if key != "serviceAccountName"}}


def _only_container(pod: Object) -> Object:
    assert "initContainers" not in pod["spec"]
    (container,) = pod["spec"]["containers"]
    return dict(container)


def _assert_no_more_rights(pod: Object) -> None:
    spec = pod["spec"]
    assert {source for volume in spec["volumes"] for source in volume if source != "name"} <= {"emptyDir", "projected"}
    assert {mount["mountPath"] for mount in _only_container(pod)["volumeMounts"]} <= {
        "/tmp",
        "/var/run/secrets/shipway",
    }
    assert not any(spec.get(field) for field in ("hostNetwork", "hostPID", "hostIPC"))
    assert spec["automountServiceAccountToken"] is False


def _environment(container: Object) -> dict[str, str]:
    """The variables as the kubelet makes them: each may name those before it, and none of a Secret's."""
    made: dict[str, str] = {}
    for variable in container["env"]:
        made[variable["name"]] = _expanded(variable.get("value", ""), made)
    return made


def _expanded(text: str, variables: dict[str, str]) -> str:
    """What the kubelet makes of a text: `$(NAME)` is the variable if there is one, and `$$` is one dollar."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match["name"], match[0])

    return re.sub(r"\$\$|\$\((?P<name>[^)]*)\)", replaced, text)
