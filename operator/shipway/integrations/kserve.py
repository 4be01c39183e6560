"""KServe: the InferenceService that runs one version, and what it says about itself.

One InferenceService per version, in Standard mode and cluster-local: KServe makes a Deployment and a Service
`<name>-predictor` of it and no route. It is never edited in place but for its size. Its labels and annotations go on to
the pods, so none of them may change while it runs, or every pod would be replaced.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shipway.api.schema import GROUP
from shipway.api.v1alpha1.servingdeployment import Predictor
from shipway.kube.expansion import literal
from shipway.kube.resource import Object

POD_LABEL = "serving.kserve.io/inferenceservice"
"""On every pod: the name of its InferenceService."""
RENDERED = f"{GROUP}/rendered"
"""Annotation: what decides about the model, as it was rendered when the InferenceService was made."""
SERVICE_PORT = 80
_HOST_LABEL_EXTRA = len("-predictor-")
_LABEL_LIMIT = 63
_LEAST_NAME = 12
_HASH_LENGTH = 6
_USER = 65532
_SIZES = ("minReplicas", "maxReplicas")
_ROUTABLE_MODES = frozenset({"Standard", "RawDeployment"})
"""In these KServe makes a Deployment and a Service, among which a route can share out; one mode, renamed in 0.16."""
_DECISIVE = ("modelFormat", "runtime", "storageUri", "args", "env")
_IDENTITY = frozenset({"SHIPWAY_MODEL_DIGEST", "SHIPWAY_MODEL_VERSION"})
_FIRST_FIELDS = frozenset({"runtime", "storage_container_name", "resources", "service_account_name"})
"""Fields of a predictor that were in the first release; a later one counts once somebody sets it."""


@dataclass(frozen=True)
class Served:
    """One version as it is to be run."""

    model: str
    version: str
    digest: str
    uri: str
    format_name: str
    format_version: str
    predictor: Predictor
    min_replicas: int


def short_hash(*parts: object, length: int) -> str:
    """A hexadecimal hash over values that have a JSON form."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:length]


def predictor_hash(predictor: Predictor) -> str:
    """Hash of what makes a predictor another one: everything but its size.

    It is the same in every release: a new field that nobody has set must not release every version anew.
    """
    fields = predictor.model_dump(mode="json", exclude={"min_replicas", "max_replicas"})
    chosen = predictor.model_dump(mode="json", exclude_defaults=True)
    return short_hash({k: v for k, v in fields.items() if k in _FIRST_FIELDS or k in chosen}, length=10)


def service_name(*, namespace: str, deployment: str, version: str, digest: str, predictor: str) -> str:
    """Name of the InferenceService: readable where it fits, and always unique by its hash.

    KServe builds the host label `<name>-predictor-<namespace>`, which may have 63 characters.
    """
    suffix = short_hash(deployment, version, digest, predictor, length=_HASH_LENGTH)
    limit = max(_LEAST_NAME, _LABEL_LIMIT - _HOST_LABEL_EXTRA - len(namespace))
    readable = f"{deployment}-{version}"[: limit - len(suffix) - 1].rstrip("-")
    if not readable[0].isalpha():
        readable = f"m{readable[1:]}"
    return f"{readable}-{suffix}"


def second_name(name: str, suffix: str) -> str:
    """Name of another InferenceService of the same version; no longer than the first."""
    return f"{name[: len(name) - len(suffix) - 1].rstrip('-')}-{suffix}"


def backend(name: str) -> str:
    """The Service of an InferenceService's predictor."""
    return f"{name}-predictor"


def render(metadata: Mapping[str, Any], served: Served) -> Object:
    """The InferenceService, its pods under Pod Security `restricted`."""
    annotations = {"serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "hpa"}
    body: Object = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            **metadata,
            "labels": {**metadata["labels"], "networking.kserve.io/visibility": "cluster-local"},
            "annotations": {**metadata.get("annotations", {}), **annotations},
        },
        "spec": {"predictor": _predictor(served)},
    }
    body["metadata"]["annotations"][RENDERED] = json.dumps(_decisive(body), sort_keys=True)
    return body


def _predictor(served: Served) -> Object:
    account = served.predictor.service_account_name
    return {
        "minReplicas": served.min_replicas,
        "maxReplicas": max(served.min_replicas, served.predictor.max_replicas),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "storageContainerName": served.predictor.storage_container_name,
        **({"serviceAccountName": account} if account else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "model": {
            "modelFormat": {"name": served.format_name, "version": served.format_version},
            "runtime": served.predictor.runtime,
            # KServe hands it to the container that fetches the artifact, as an argument.
            "storageUri": literal(served.uri),
            "args": [f"--model_name={served.model}"],
            "env": [
                {"name": "SHIPWAY_MODEL_DIGEST", "value": served.digest},
                {"name": "SHIPWAY_MODEL_VERSION", "value": served.version},
            ],
            "resources": {
                part: {_untemplated(name): amount for name, amount in amounts.items()}
                for part, amounts in served.predictor.resources.to_wire().items()
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        },
    }


def _untemplated(text: str) -> str:
    """The text as KServe must be given it: it runs the container's JSON as a Go template, in which braces are code."""
    return text.replace("{{", "{{`{{`}}")


def differs(stored: Object, rendered: Object) -> bool:
    """Whether what decides which model answers, and how often it runs, is not as it was rendered.

    As it was rendered when it was made, not as this release renders: an upgrade of the operator replaces no pod. Only
    fields that KServe's webhook leaves as they are: comparing others would have us write for ever.
    """
    return _resized(stored, rendered) or _touched(stored, rendered)


def onto(stored: Object, rendered: Object) -> Object:
    """What to apply to a running InferenceService: its size and owner, and everything where a stranger touched it.

    Whatever else this release renders anew would replace every pod.
    """
    if _touched(stored, rendered):
        return rendered
    made, spec = _made_from(stored, rendered), rendered["spec"]["predictor"]
    annotations = stored["metadata"].get("annotations") or {}
    ours = {name: annotations[name] for name in rendered["metadata"]["annotations"] if name in annotations}
    sizes = {field: spec[field] for field in _SIZES}
    return {
        **rendered,
        "metadata": {**rendered["metadata"], "labels": made["labels"], "annotations": ours},
        "spec": {"predictor": {**stored["spec"]["predictor"], **sizes}},
    }


def _resized(stored: Object, rendered: Object) -> bool:
    old, new = stored["spec"].get("predictor", {}), rendered["spec"]["predictor"]
    return any(old.get(field) != new[field] for field in _SIZES)


def _touched(stored: Object, rendered: Object) -> bool:
    """Whether a stranger changed what was rendered, or it runs another artifact than it should."""
    made = _made_from(stored, rendered)
    model = stored["spec"].get("predictor", {}).get("model") or {}
    wanted = rendered["spec"]["predictor"]["model"]
    return (
        any(model.get(field) != value for field, value in made["model"].items())
        or not made["labels"].items() <= (stored["metadata"].get("labels") or {}).items()
        or model.get("storageUri") != wanted["storageUri"]
        or not all(variable in model.get("env", ()) for variable in wanted["env"] if variable["name"] in _IDENTITY)
    )


def _made_from(stored: Object, rendered: Object) -> Mapping[str, Any]:
    """What decides about the model as it was rendered when it was made; as it is rendered now where nobody knows."""
    text = (stored["metadata"].get("annotations") or {}).get(RENDERED)
    try:
        made = json.loads(text) if text else None
        return {"model": dict(made["model"]), "labels": dict(made["labels"])} if made else _decisive(rendered)
    except (KeyError, TypeError, ValueError):  # somebody else's scribble
        return _decisive(rendered)


def _decisive(rendered: Object) -> Mapping[str, Any]:
    model = rendered["spec"]["predictor"]["model"]
    return {"model": {field: model[field] for field in _DECISIVE}, "labels": rendered["metadata"]["labels"]}


def predictor_ready(service: Object) -> bool:
    """Whether KServe says that the predictor is available."""
    conditions = service.get("status", {}).get("conditions", ())
    return any(c["type"] == "PredictorReady" and c["status"] == "True" for c in conditions)


def unsupported(service: Object) -> str:
    """Why no route of ours can share out its traffic, and what would help; empty where one can.

    A KServe before 0.16 does not know the mode that is asked for, and takes its default instead.
    """
    name, mode = service["metadata"]["name"], _mode(service)
    if mode not in _ROUTABLE_MODES:
        return (
            f"KServe runs InferenceService {name} in {mode} mode, whose traffic an HTTPRoute cannot share out; "
            "install KServe 0.20 or later, and let nobody change the annotation serving.kserve.io/deploymentMode: "
            "Standard; then delete that InferenceService, and it is made again"
        )
    if field := _own_split(service):
        return (
            f"InferenceService {name} has {field}, so KServe would share out its traffic beside the HTTPRoute; "
            "take the field out"
        )
    return ""


def _mode(service: Object) -> str:
    """How KServe runs it; before 0.15.1 it does not say, but names revisions in Knative mode alone."""
    status = service.get("status", {})
    revision = status.get("components", {}).get("predictor", {}).get("latestCreatedRevision")
    return str(status.get("deploymentMode") or ("Knative" if revision else "Standard"))


def _own_split(service: Object) -> str:
    """The field by which KServe is to split the traffic; empty where none is set."""
    spec = service["spec"]
    if spec.get("canary"):
        return "spec.canary"
    return "spec.predictor.canaryTrafficPercent" if "canaryTrafficPercent" in spec.get("predictor", {}) else ""


def complaint(service: Object) -> str:
    """What KServe says is wrong, in its own words; empty while it has nothing to say."""
    status = service.get("status", {})
    failure = status.get("modelStatus", {}).get("lastFailureInfo", {})
    if failure.get("message"):
        return f"{failure.get('reason', '')}: {failure['message']}".lstrip(": ")
    texts = (c.get("message", "") for c in status.get("conditions", ()) if c["status"] == "False")
    return next((text for text in texts if text), "")
