"""Pods: what they say about themselves, read once into a value, and the shell all pods of the operator are built on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shipway.api.conditions import seconds
from shipway.controllers.owned import owner_uid
from shipway.controllers.pod_shape import ConditionShape, ContainerShape
from shipway.kube.resource import Object

USER = 65532
"""The user and group of every image of ours; Pod Security `restricted` wants a number that is not 0."""


@dataclass(frozen=True)
class Ended:
    """How the container ended."""

    exit_code: int
    reason: str
    message: str
    """What it wrote to its termination log."""
    at: float | None
    """Unix seconds, by the node's clock."""


@dataclass(frozen=True)
class Pod:
    """A pod with one container, as far as a reconciler cares."""

    namespace: str
    name: str
    uid: str
    owner: str
    """The uid of its controlling owner."""
    labels: Mapping[str, str]
    image: str
    """What its container runs."""
    node: str
    ip: str
    """Its address in the cluster; empty until its sandbox is there."""
    created_at: float
    deleting: bool
    phase: str
    """Pending, Running, Succeeded, Failed or Unknown."""
    reason: str
    """Why the kubelet or a controller failed the whole pod, such as Evicted or NodeLost."""
    message: str
    disruption: str
    """Reason of its DisruptionTarget condition: who is ending it from outside."""
    scheduling: str
    """The scheduler's own sentence while it finds no node."""
    waiting: str
    """Why the container does not start, such as ImagePullBackOff."""
    waiting_message: str
    ended: Ended | None

    @property
    def finished(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.phase in {"Succeeded", "Failed"}

    @property
    def alive(self) -> bool:
        """Whether it runs or may still run, and nobody has asked for its end."""
        return not self.finished and not self.deleting


def read_pod(obj: Object) -> Pod:
    """The view of a (trimmed) pod."""
    meta, status = obj["metadata"], obj.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", ())}
    scheduled = conditions.get("PodScheduled", {})
    disrupted = conditions.get("DisruptionTarget", {})
    state: Mapping[str, Any] = next((c.get("state", {}) for c in status.get("containerStatuses", ())), {})
    waiting = state.get("waiting", {})
    return Pod(
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        uid=meta["uid"],
        owner=owner_uid(obj),
        labels=meta.get("labels", {}),
        image=next((c["image"] for c in obj.get("spec", {}).get("containers", ())), ""),
        node=obj.get("spec", {}).get("nodeName", ""),
        ip=status.get("podIP", ""),
        created_at=seconds(meta["creationTimestamp"]),
        deleting="deletionTimestamp" in meta,
        phase=status.get("phase", "Pending"),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        disruption=disrupted.get("reason", "") if disrupted.get("status") == "True" else "",
        scheduling=scheduled.get("message", "") if scheduled.get("status") == "False" else "",
        waiting=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        ended=_ended(state.get("terminated")),
    )


def trim_pod(obj: Object) -> Object:
    """The part of a pod that `read_pod` reads and the cache needs: a few hundred bytes instead of ten thousand."""
    meta, status = obj["metadata"], obj.get("status", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {key: meta[key] for key in _META if key in meta},
        "spec": _trim_spec(obj.get("spec", {})),
        "status": {
            **{key: status[key] for key in ("phase", "reason", "message", "podIP") if key in status},
            "conditions": [
                {key: c[key] for key in ConditionShape.__annotations__ if key in c}
                for c in status.get("conditions", ())
                if c["type"] in {"PodScheduled", "DisruptionTarget", "Ready"}
            ],
            **{
                field: [
                    {key: c[key] for key in ContainerShape.__annotations__ if key in c} for c in status.get(field, ())
                ]
                for field in ("initContainerStatuses", "containerStatuses")
            },
        },
    }


def hindrance(pod: Pod) -> str:
    """Why the pod does not run yet, in the cluster's own words; empty when it is just starting."""
    if pod.scheduling:
        return pod.scheduling
    if pod.waiting in _STARTING:
        return ""
    return f"{pod.waiting}: {pod.waiting_message}".rstrip(": ")


def restricted_pod_spec(
    *,
    container: Mapping[str, Any],
    volumes: Sequence[Mapping[str, Any]] = (),
    mounts: Sequence[Mapping[str, Any]] = (),
    service_account: str | None = None,
    grace_seconds: int = 30,
) -> dict[str, Any]:
    """A pod spec that Pod Security `restricted` admits: one container, never restarted, nothing writable but /tmp."""
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_seconds,
        **({"serviceAccountName": service_account} if service_account else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                **container,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],  # noqa: S108
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}, *volumes],
    }


_META = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "labels",
    "creationTimestamp",
    "deletionTimestamp",
    "ownerReferences",
)
_STARTING = {"", "ContainerCreating", "PodInitializing"}


def _trim_spec(spec: Mapping[str, Any]) -> Object:
    trimmed: Object = {"containers": _only_image(spec["containers"][0]["image"])} if spec.get("containers") else {}
    return trimmed | {key: spec[key] for key in ("nodeName",) if key in spec}


@lru_cache(maxsize=256)
def _only_image(image: str) -> Sequence[Object]:
    """Ten thousand pods of an image share one list; nobody changes what is in the cache."""
    return ({"image": image},)


def _ended(terminated: Mapping[str, Any] | None) -> Ended | None:
    if terminated is None:
        return None
    at = terminated.get("finishedAt")
    return Ended(
        exit_code=terminated.get("exitCode", 0),
        reason=terminated.get("reason", ""),
        message=terminated.get("message", ""),
        at=seconds(at) if at else None,
    )
