"""The verify pod: reads the artifact with the namespace's own credentials. The operator holds none."""

from typing import Any

from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.controllers.owned import part_of
from shipway.controllers.pod import restricted_pod_spec
from shipway.kube.expansion import literal
from shipway.kube.resource import Object

DEADLINE_SECONDS = 1800
"""A verification that takes longer has stopped moving; it is tried again."""


def verify_pod_name(version: str) -> str:
    """The name of the verify pod of a ModelVersion."""
    return f"{version}-verify"


def verify_pod(version: Object, spec: ModelVersionSpec, *, image: str) -> Object:
    """The pod that computes the digest of the stored artifact."""
    container: dict[str, Any] = {
        "name": "verify",
        "image": image,
        "command": ["python", "-m", "shipway_workloads.verify", "--uri", literal(spec.source.uri)],
        "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
    }
    if spec.source.secret_name:
        container["envFrom"] = [{"secretRef": {"name": spec.source.secret_name}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": part_of(version, verify_pod_name(version["metadata"]["name"])),
        "spec": {
            **restricted_pod_spec(container=container, grace_seconds=2),
            "activeDeadlineSeconds": DEADLINE_SECONDS,
        },
    }
