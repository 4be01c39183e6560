"""Verdicts on what is seen: which version may be released or gone back to, and how each predictor is doing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import Abort, Reason, ServingDeploymentSpec, VersionRef
from shipway.controllers.servingdeployment.situation import Fleet, Hold, Restarts, is_of
from shipway.integrations import kserve
from shipway.kube.resource import Object

_STARTING = {"", "ContainerCreating", "PodInitializing"}


def reference(sdep: Object, spec: ServingDeploymentSpec, version: ModelVersionSpec) -> VersionRef:
    """The version in the predictor of the spec."""
    predictor = kserve.predictor_hash(spec.predictor)
    meta = sdep["metadata"]
    return VersionRef(
        version=version.version,
        digest=version.digest,
        predictor_hash=predictor,
        predictor=spec.predictor,
        inference_service=kserve.service_name(
            namespace=meta["namespace"],
            deployment=meta["name"],
            version=version.version,
            digest=version.digest,
            predictor=predictor,
        ),
    )


def hold_on(
    ref: VersionRef, *, sdep: Object, model: str, incidents: Iterable[Object], abort: Abort | None
) -> Hold | None:
    """Whether the version is held back: by an open Incident of the same artifact and predictor, or by our own abort."""
    open_ = [incident for incident in incidents if _holds(incident, model, ref)]
    own = abort if abort and is_of(abort, ref) else None
    if not open_ and own is None:
        return None
    meta = sdep["metadata"]
    cure = (
        f"Release it again with `shipway retry {meta['name']} -n {meta['namespace']}`, which sets the annotations "
        "shipway.dev/action=retry, action-id and action-reason; or publish a new version."
    )
    open_.sort(key=lambda incident: (str(incident["spec"]["detectedAt"]), str(incident["metadata"]["name"])))
    if names := tuple(str(incident["metadata"]["name"]) for incident in open_):
        newest = open_[-1]["spec"]
        taken = f"{ref.version} was taken back at {newest['detectedAt']}: {newest['summary']}"
        return Hold(Reason.QUARANTINED, f"{taken} (Incident {names[-1]}). {cure}", names)
    assert own is not None
    return Hold(Reason.ROLLED_BACK, f"{ref.version} was taken back at {own.at}: {own.message}. {cure}")


def obstacle(
    ref: VersionRef, *, sdep: Object, model: str, versions: Mapping[str, Object], incidents: Iterable[Object]
) -> str:
    """Why a kept version cannot be gone back to; empty when it can."""
    found = versions.get(ref.version)
    if found is None or found["spec"]["digest"] != ref.digest:
        return f"ModelVersion {model}-{ref.version} is gone, or is another one now"
    held = hold_on(ref, sdep=sdep, model=model, incidents=incidents, abort=None)
    return f"{ref.version} is held by Incident {held.incidents[-1]}" if held else ""


def fleet(service: Object | None, pods: Sequence[Object]) -> Fleet:
    """How a version's predictor is doing, by its InferenceService and its pods."""
    if service is None or "deletionTimestamp" in service["metadata"]:
        return Fleet(ready=_ready(pods))
    alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return Fleet(
        ready=_ready(pods),
        settled=kserve.predictor_ready(service),
        restarts={pod["metadata"]["name"]: found for pod in alive if (found := _restarts(pod)).count},
        message=_hindrance(alive) or kserve.complaint(service) or _no_word(service),
    )


def _no_word(service: Object) -> str:
    return "its pods are starting" if service.get("status") else "KServe has said nothing of its InferenceService yet"


def _holds(incident: Object, model: str, ref: VersionRef) -> bool:
    spec = IncidentSpec.model_validate(incident["spec"])
    lifted = IncidentStatus.model_validate(incident.get("status") or {}).lifted
    about = (spec.model, spec.digest, spec.predictor_hash) == (model, ref.digest, ref.predictor_hash)
    return spec.quarantine and lifted is None and about


def _ready(pods: Sequence[Object]) -> int:
    return sum(1 for pod in pods if is_ready(pod))


def is_ready(pod: Object) -> bool:
    """Whether the pod may get traffic."""
    conditions = pod.get("status", {}).get("conditions", ())
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _restarts(pod: Object) -> Restarts:
    status = pod.get("status", {})
    count = sum(container.get("restartCount", 0) for container in status.get("containerStatuses", ()))
    return Restarts(count, _words(status) if count else "")


def _hindrance(pods: Sequence[Object]) -> str:
    """Why the first pod that is not ready is not, in the cluster's own words."""
    for pod in pods:
        if not is_ready(pod) and (words := _words(pod.get("status", {}))):
            return f"pod {pod['metadata']['name']}: {words}"
    return ""


def _words(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", "not scheduled"))
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        if words := _container_words(container):
            return words
    return str(status.get("message", ""))


def _container_words(container: Mapping[str, Any]) -> str:
    waiting = container.get("state", {}).get("waiting", {})
    last = container.get("lastState", {}).get("terminated") or container.get("state", {}).get("terminated") or {}
    failed = last.get("exitCode", 0) != 0
    ending = f"exit code {last['exitCode']} {last.get('message', '').strip()}".strip() if failed else ""
    if waiting.get("reason", "") in _STARTING and not ending:
        return ""
    parts = (container["name"], waiting.get("reason", ""), waiting.get("message", ""), ending)
    return ": ".join(part for part in parts if part)[:512]
