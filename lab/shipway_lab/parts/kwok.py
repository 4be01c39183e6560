"""Nodes without machines, for tests of scale: kwok answers for them as a kubelet would."""

from __future__ import annotations

import json
from typing import Any, Final

from typing_extensions import override

from shipway_lab import kubeapi
from shipway_lab.addresses import NODE_IP
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.lab import Lab
from shipway_lab.nodes import FIRST
from shipway_lab.parts import manifests
from shipway_lab.parts.base import Part

ANNOTATION: Final = "kwok.x-k8s.io/node"
DURATION: Final = "lab.shipway.dev/duration"
"""Annotation of a pod that is to succeed by itself after this time, for example `30s`."""
_PORT = 10247
_MODULE = "sigs.k8s.io/kwok"
_KWOK = GoBinary("kwok", "kube", f"{_MODULE}/cmd/kwok", usual_seconds=20)
# Without the stage that completes every Job's pods at once: pods run until their annotation says otherwise.
_STAGES = GoModuleManifests(
    "kwok-stages",
    "kube",
    _MODULE,
    (
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
    ),
)


class Kwok(Part):
    """Fake nodes `fake-0`, `fake-1` and so on. Only pods that tolerate their taint land there."""

    name = "kwok"
    needs = ("apiserver", "kcm")

    @override
    def artifacts(self) -> list[Artifact]:
        """The controller and the stages through which it takes nodes and pods."""
        return [_KWOK, _STAGES]

    @override
    def start(self, lab: Lab) -> None:
        """Start the controller and create the nodes."""
        stages = [*manifests.load(lab, _STAGES), _succeed_after_a_while()]
        config = lab.write("kwok.yaml", "\n---\n".join(json.dumps(stage) for stage in stages))
        arguments = (
            f"--kubeconfig={lab.paths.inner_kubeconfig}",
            f"--config={config}",
            f"--manage-nodes-with-annotation-selector={ANNOTATION}=fake",
            f"--node-ip={NODE_IP}",
            f"--node-port={_PORT}",
            "--cidr=10.250.0.0/16",
            "--node-lease-duration-seconds=40",
            f"--server-address={NODE_IP}:{_PORT}",
            f"--tls-cert-file={lab.paths.pki}/{FIRST.name}.crt",
            f"--tls-private-key-file={lab.paths.pki}/{FIRST.name}.key",
        )
        lab.processes.start(self.name, "kwok", [lab.artifact(_KWOK.name), *arguments])
        lab.api.apply_all(fake_node(index) for index in range(lab.spec.fake_nodes))

    @override
    def ready(self, lab: Lab) -> bool:
        """Every fake node is ready."""
        nodes = (lab.api.get(f"/api/v1/nodes/fake-{index}") for index in range(lab.spec.fake_nodes))
        return all(kubeapi.condition(node, "Ready") for node in nodes)


def fake_node(index: int) -> dict[str, Any]:
    """A node with 64 processors, 512 GiB and 8 GPUs that exist nowhere."""
    name = f"fake-{index}"
    capacity = {"cpu": "64", "memory": "512Gi", "pods": "250", "nvidia.com/gpu": "8"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {ANNOTATION: "fake"},
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"},
        },
        "spec": {"taints": [{"key": ANNOTATION, "value": "fake", "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def _succeed_after_a_while() -> dict[str, Any]:
    template = """
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
phase: Succeeded
"""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": "pod-succeed-after-a-while"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {
                "matchExpressions": [
                    {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                    {"key": ".status.phase", "operator": "In", "values": ["Running"]},
                    {"key": f'.metadata.annotations["{DURATION}"]', "operator": "Exists"},
                ]
            },
            "delay": {
                "durationMilliseconds": 1000,
                "durationFrom": {"expressionFrom": f'.metadata.annotations["{DURATION}"]'},
            },
            "next": {"statusTemplate": template},
        },
    }
