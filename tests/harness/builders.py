"""Small builders of objects, valid as they come; change what a test is about by keyword."""

from typing import Any

from manifests import minimal
from shipway.api.schema import API_VERSION
from shipway.kube.resource import Object

DIGEST = "sha256:" + "a" * 64


def training_job(
    name: str = "train", *, namespace: str = "", annotations: dict[str, str] | None = None, **spec: Any
) -> Object:
    """A TrainingJob of the ranker on one pod; `spec` in the names of the wire."""
    default: dict[str, Any] = {"recipe": {"name": "ranker"}, "storage": {"uri": "s3://models/test"}}
    if "command" in spec:
        del default["recipe"]
    return _object("TrainingJob", name, namespace, default | spec, annotations)


def model(
    name: str = "ranker", *, namespace: str = "", annotations: dict[str, str] | None = None, **spec: Any
) -> Object:
    """A Model owned by team reco."""
    default = {"owner": {"team": "reco", "onCall": "reco-oncall"}}
    return _object("Model", name, namespace, default | spec, annotations)


def model_version(
    version: str = "v1", *, model: str = "ranker", namespace: str = "", digest: str = DIGEST, **spec: Any
) -> Object:
    """A ModelVersion called MODEL-VERSION."""
    default = {
        "modelName": model,
        "version": version,
        "source": {"uri": f"s3://models/test/{model}/{version}"},
        "digest": digest,
        "format": {"name": "shipway-ranker", "version": "1"},
    }
    return _object("ModelVersion", f"{model}-{version}", namespace, default | spec, None)


def serving_deployment(
    name: str = "ranker", *, namespace: str = "", annotations: dict[str, str] | None = None, **spec: Any
) -> Object:
    """A ServingDeployment; give it at least what the kind requires by keyword."""
    return _object("ServingDeployment", name, namespace, spec, annotations)


def incident(name: str = "ranker-v3-rollback", *, namespace: str = "", **spec: Any) -> Object:
    """An Incident about a rollback of ranker v3."""
    return _object("Incident", name, namespace, minimal("Incident", **spec)["spec"], None)


def pod_status(
    phase: str,
    *,
    exit_code: int | None = None,
    message: str = "",
    reason: str = "",
    container: str = "trainer",
    finished_at: str | None = None,
    pod_ip: str = "10.244.0.9",
) -> dict[str, Any]:
    """The status a kubelet would write.

    Args:
        phase: Pending, Running, Succeeded or Failed.
        exit_code: The container's exit code, once it has ended; 0 for Succeeded when left out.
        message: Its termination message.
        reason: Its reason, such as OOMKilled or Error.
        container: Name of the container.
        finished_at: RFC 3339 time of its end.
        pod_ip: The pod's address.
    """
    status: dict[str, Any] = {"phase": phase, "podIP": pod_ip, "podIPs": [{"ip": pod_ip}]}
    ready = "True" if phase == "Running" else "False"
    status["conditions"] = [{"type": kind, "status": ready} for kind in ("Ready", "ContainersReady")]
    entry: dict[str, Any] = {"name": container, "image": "image", "imageID": "", "restartCount": 0}
    if phase == "Running":
        status["containerStatuses"] = [{**entry, "ready": True, "state": {"running": {"startedAt": _NOW}}}]
    elif phase in ("Succeeded", "Failed"):
        code = (0 if phase == "Succeeded" else 1) if exit_code is None else exit_code
        ended = {
            "exitCode": code,
            "reason": reason or ("Completed" if code == 0 else "Error"),
            "message": message,
            "startedAt": _NOW,
            "finishedAt": finished_at or _NOW,
        }
        status["containerStatuses"] = [{**entry, "ready": False, "state": {"terminated": ended}}]
    return status


_NOW = "2026-01-01T00:00:00Z"


def _object(kind: str, name: str, namespace: str, spec: dict[str, Any], annotations: dict[str, str] | None) -> Object:
    meta: dict[str, Any] = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    if annotations:
        meta["annotations"] = annotations
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec}
