"""What a TrainingJob is made into: pods and the ModelVersion. Pure builders."""

import json
from collections.abc import Sequence
from typing import Any

from shipway.api import labels
from shipway.api.v1alpha1.modelversion import (
    Lineage,
    ModelVersionSpec,
    Source,
    TrainingRef,
)
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.owned import owner_labels, part_of
from shipway.controllers.pod import restricted_pod_spec
from shipway.controllers.trainingjob import rendezvous
from shipway.controllers.trainingjob.result import Artifact, Result
from shipway.integrations.kserve import short_hash
from shipway.kube.expansion import literal
from shipway.kube.resource import MODEL_VERSION, Object

CONTAINER = "trainer"
TOKEN_AUDIENCE = "shipway.dev"  # noqa: S105
TOKEN_FOLDER = "/var/run/secrets/shipway"  # noqa: S105
RECIPES = {"ranker": ["python", "-m", "torch.distributed.run", "-m", "shipway_workloads.training.ranker"]}
"""Commands of the built-in training programs."""


def pod_name(job: str, attempt: int, rank: int) -> str:
    """The name of a pod: no two attempts share one, so no attempt waits for another's pods to be gone."""
    return f"{job}-{attempt}-{rank}"


def version_name(spec: TrainingJobSpec) -> str:
    """The name of the ModelVersion the job makes; empty for none."""
    return f"{spec.output.model}-{spec.output.version}" if spec.output else ""


def spec_hash(spec: TrainingJobSpec) -> str:
    """Hash of what is trained and how; the same in every release that knows the fields that are set."""
    return short_hash(spec.model_dump(mode="json", exclude={"suspend", "health"}, exclude_defaults=True), length=16)


def checkpoint_uri(job: Object, spec: TrainingJobSpec) -> str:
    """Where this very job saves its state; a job created anew under the same name starts from nothing."""
    return f"{_place(job, spec)}/{_incarnation(job, job['metadata']['name'])}/checkpoints"


def output_uri(job: Object, spec: TrainingJobSpec) -> str:
    """Where the finished artifact goes."""
    if spec.output is None:
        return f"{_place(job, spec)}/{_incarnation(job, job['metadata']['name'])}/output"
    return f"{_place(job, spec)}/{spec.output.model}/{_incarnation(job, spec.output.version)}"


def training_pod(
    job: Object, spec: TrainingJobSpec, *, attempt: int, rank: int, image: str, progress_url: str
) -> Object:
    """One pod of an attempt."""
    name = job["metadata"]["name"]
    marks = {labels.ATTEMPT: str(attempt), labels.RANK: str(rank)}
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": image,
        "command": RECIPES[spec.recipe.name] if spec.recipe else spec.command,
        "env": _environment(job, spec, attempt=attempt, rank=rank, progress_url=progress_url),
        "resources": spec.resources.to_wire(),
    }
    if spec.args:
        container["args"] = spec.args
    if spec.storage.secret_name:
        container["envFrom"] = [{"secretRef": {"name": spec.storage.secret_name}}]
    if spec.nodes > 1:
        container["ports"] = [{"name": "rdzv", "containerPort": rendezvous.PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": part_of(job, pod_name(name, attempt, rank), marks),
        "spec": restricted_pod_spec(
            container=container,
            volumes=[_token_volume()],
            mounts=[{"name": "token", "mountPath": TOKEN_FOLDER, "readOnly": True}],
            service_account=spec.service_account_name,
        ),
    }


def model_version(
    job: Object, spec: TrainingJobSpec, *, result: Result, artifact: Artifact, image: str, attempts: int
) -> Object:
    """The ModelVersion a finished run publishes: labelled with the job, but never owned by it.

    Raises:
        pydantic.ValidationError: The result does not fit into a ModelVersion.
    """
    assert spec.output is not None, "only a job with an output makes a version"
    meta = job["metadata"]
    version = ModelVersionSpec(
        model_name=spec.output.model,
        version=spec.output.version,
        source=Source(uri=artifact.uri, secret_name=spec.storage.secret_name),
        digest=artifact.digest,
        format=artifact.format,
        size_bytes=artifact.size_bytes,
        lineage=Lineage(
            training_job=TrainingRef(name=meta["name"], uid=meta["uid"], attempts=attempts),
            image=image,
            code_revision=result.lineage.code_revision,
            datasets=list(result.lineage.datasets),
            feature_views=list(result.lineage.feature_views),
            seed=result.lineage.seed if result.lineage.seed is not None else spec.seed,
            parameters=spec.recipe.parameters if spec.recipe else {},
        ),
        evaluation=list(result.evaluation),
    )
    marks = {labels.MODEL: spec.output.model, labels.VERSION: spec.output.version}
    return {
        "apiVersion": MODEL_VERSION.api_version,
        "kind": MODEL_VERSION.kind,
        "metadata": {
            "name": version_name(spec),
            "namespace": meta["namespace"],
            "labels": owner_labels(job, marks),
            "annotations": {labels.SPEC_HASH: spec_hash(spec)},
        },
        "spec": version.to_wire(),
    }


def _environment(
    job: Object, spec: TrainingJobSpec, *, attempt: int, rank: int, progress_url: str
) -> Sequence[dict[str, Any]]:
    meta = job["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    parameters = spec.recipe.parameters if spec.recipe else {}
    values = {
        # No home, no passwd entry: the image's root is read-only and the user is a number.
        "HOME": "/tmp",  # noqa: S108
        "OMP_NUM_THREADS": "1",
        **{variable.name: variable.value for variable in spec.env},
        "SHIPWAY_JOB": name,
        "SHIPWAY_NAMESPACE": namespace,
        "SHIPWAY_ATTEMPT": str(attempt),
        "SHIPWAY_SEED": str(spec.seed),
        "SHIPWAY_PARAMETERS": literal(json.dumps(parameters, sort_keys=True)),
        "SHIPWAY_CHECKPOINT_URI": literal(checkpoint_uri(job, spec)),
        "SHIPWAY_CHECKPOINT_EVERY_STEPS": str(spec.checkpoint.every_steps),
        "SHIPWAY_OUTPUT_URI": literal(output_uri(job, spec)),
        "SHIPWAY_MODEL": spec.output.model if spec.output else "",
        "SHIPWAY_VERSION": spec.output.version if spec.output else "",
        "SHIPWAY_PROGRESS_URL": f"{progress_url.rstrip('/')}/v1/namespaces/{namespace}/trainingjobs/{name}/progress",
        "SHIPWAY_TOKEN_FILE": f"{TOKEN_FOLDER}/token",
        "PET_NNODES": str(spec.nodes),
        "PET_NPROC_PER_NODE": str(spec.procs_per_node),
        "PET_NODE_RANK": str(rank),
        "PET_RDZV_BACKEND": "static",
        "PET_RDZV_ID": f"{meta['uid']}-{attempt}",
        "PET_MASTER_PORT": str(rendezvous.PORT),
        "PET_MAX_RESTARTS": "0",
    }
    return [*({"name": key, "value": value} for key, value in values.items()), _master(name, spec, attempt, rank)]


def _master(job: str, spec: TrainingJobSpec, attempt: int, rank: int) -> dict[str, Any]:
    # Rank 0 meets itself at its own address: its name is known only once the operator has seen that address.
    if spec.nodes == 1 or rank == 0:
        return {"name": "PET_MASTER_ADDR", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    return {"name": "PET_MASTER_ADDR", "value": rendezvous.address_of(pod_name(job, attempt, 0))}


def _token_volume() -> dict[str, Any]:
    token = {"path": "token", "audience": TOKEN_AUDIENCE, "expirationSeconds": 3600}
    return {"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}}


def _place(job: Object, spec: TrainingJobSpec) -> str:
    return f"{spec.storage.uri.rstrip('/')}/{job['metadata']['namespace']}"


def _incarnation(job: Object, name: str) -> str:
    return f"{name}-{job['metadata']['uid'][:8]}"
