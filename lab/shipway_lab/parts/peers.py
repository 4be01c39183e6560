"""Other operators that make pods for training, to be measured beside ours: JobSet, Kubeflow Trainer, KubeRay.

Each runs as its project ships it, with its webhooks, but for ports, certificates and leader election.
Nothing of the demo needs them.
"""

from __future__ import annotations

import json
from typing import Any, Final

from typing_extensions import override

from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.lab import Lab
from shipway_lab.parts import manifests, webhooks
from shipway_lab.parts.base import Part, http_ok

_NO_ELECTION: Final = {"leaderElect": False}


class JobSet(Part):
    """JobSet: a set of Jobs that start and fail together."""

    name = "jobset"
    needs = ("apiserver", "kcm")
    _module = "sigs.k8s.io/jobset"
    _binary = GoBinary("jobset", "jobset", _module, usual_seconds=150)
    _crds = GoModuleManifests("jobset-crds", "jobset", _module, ("config/components/crd/bases/*.yaml",))
    _hooks = GoModuleManifests("jobset-webhooks", "jobset", _module, ("config/components/webhook/manifests.yaml",))
    _port = 9643
    _health = 18091

    @override
    def artifacts(self) -> list[Artifact]:
        """The manager, its definitions and webhooks."""
        return [self._binary, self._crds, self._hooks]

    @override
    def start(self, lab: Lab) -> None:
        """Define its kind, start the manager, switch the webhooks on."""
        lab.api.define(manifests.load(lab, self._crds))
        temporary = webhooks.certificates(lab, self.name)
        config = {
            "apiVersion": "config.jobset.x-k8s.io/v1alpha1",
            "kind": "Configuration",
            "leaderElection": _NO_ELECTION,
            "internalCertManagement": {"enable": False},
            "webhook": {"port": self._port, "certDir": str(temporary / "k8s-webhook-server" / "serving-certs")},
            "metrics": {"bindAddress": "0"},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{self._health}"},
        }
        file = lab.write("jobset.yaml", json.dumps(config))
        arguments = (f"--kubeconfig={lab.paths.inner_kubeconfig}", f"--config={file}", "--zap-devel=false")
        lab.processes.start(self.name, self.name, [lab.artifact(self._binary.name), *arguments])
        webhooks.await_port(self.name, self._port)
        authority = webhooks.authority(lab)
        for shipped in manifests.load(lab, self._hooks):
            name = f"jobset-{shipped['kind'].lower()}"
            local = webhooks.at_loopback(shipped, authority, port=self._port, name=name)
            lab.api.apply({**local, "webhooks": [_only_its_pods(webhook) for webhook in local["webhooks"]]})

    @override
    def ready(self, lab: Lab) -> bool:
        """The manager says so."""
        return http_ok(self._health, "/readyz")


class Trainer(Part):
    """Kubeflow Trainer: TrainJobs, made into JobSets."""

    name = "trainer"
    needs = ("apiserver", "jobset")
    _module = "github.com/kubeflow/trainer/v2"
    _binary = GoBinary("trainer", "trainer", f"{_module}/cmd/trainer-controller-manager", usual_seconds=150)
    _crds = GoModuleManifests("trainer-crds", "trainer", _module, ("manifests/base/crds/*.yaml",))
    _hooks = GoModuleManifests("trainer-webhooks", "trainer", _module, ("manifests/base/webhook/manifests.yaml",))
    _shipped = GoModuleManifests(
        "trainer-config", "trainer", _module, ("manifests/base/manager/controller_manager_config.yaml",)
    )
    _runtime = GoModuleManifests(
        "trainer-runtime", "trainer", _module, ("manifests/base/runtimes/torch_distributed.yaml",)
    )
    _port = 9743
    _health = 18092

    @override
    def artifacts(self) -> list[Artifact]:
        """The manager, its definitions, configuration, webhooks and the runtime for torch."""
        return [self._binary, self._crds, self._hooks, self._shipped, self._runtime]

    @override
    def start(self, lab: Lab) -> None:
        """Define its kinds, start the manager, switch the webhooks on, add the runtime."""
        lab.api.define(manifests.load(lab, self._crds))
        temporary = webhooks.certificates(lab, self.name)
        config = {
            **manifests.load(lab, self._shipped)[0],
            "leaderElection": _NO_ELECTION,
            "certManagement": {"enable": False},
            # Without a host it ends with a nil dereference.
            "webhook": {"port": self._port, "host": "127.0.0.1"},
            "metrics": {"bindAddress": "127.0.0.1:18093"},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{self._health}"},
        }
        file = lab.write("trainer.yaml", json.dumps(config))
        env = {"KUBECONFIG": str(lab.paths.inner_kubeconfig), "TMPDIR": str(temporary)}
        lab.processes.start(self.name, self.name, [lab.artifact(self._binary.name), f"--config={file}"], env=env)
        webhooks.await_port(self.name, self._port)
        authority = webhooks.authority(lab)
        for shipped in manifests.load(lab, self._hooks):
            name = f"trainer-{shipped['kind'].lower()}"
            lab.api.apply(webhooks.at_loopback(shipped, authority, port=self._port, name=name))
        lab.api.apply_all(manifests.load(lab, self._runtime))

    @override
    def ready(self, lab: Lab) -> bool:
        """The manager says so."""
        return http_ok(self._health, "/readyz")


class KubeRay(Part):
    """KubeRay: RayClusters. It ships no webhooks in its default installation."""

    name = "kuberay"
    needs = ("apiserver", "kcm")
    _module = "github.com/ray-project/kuberay/ray-operator"
    _binary = GoBinary("kuberay", "kuberay", _module, usual_seconds=150)
    _crds = GoModuleManifests("kuberay-crds", "kuberay", _module, ("config/crd/bases/*.yaml",))
    _health = 18084

    @override
    def artifacts(self) -> list[Artifact]:
        """The operator and its definitions."""
        return [self._binary, self._crds]

    @override
    def start(self, lab: Lab) -> None:
        """Define its kinds and start the operator with its default concurrency."""
        lab.api.define(manifests.load(lab, self._crds))
        arguments = (
            f"--kubeconfig={lab.paths.inner_kubeconfig}",
            "--enable-leader-election=false",
            "--metrics-addr=127.0.0.1:18083",
            f"--health-probe-bind-address=127.0.0.1:{self._health}",
        )
        lab.processes.start(self.name, self.name, [lab.artifact(self._binary.name), *arguments])

    @override
    def ready(self, lab: Lab) -> bool:
        """The operator says so."""
        return http_ok(self._health, "/readyz")


def _only_its_pods(webhook: dict[str, Any]) -> dict[str, Any]:
    # As its kustomization does: unpatched, the pod webhooks are asked about every pod of the cluster.
    if "pod" not in webhook["name"]:
        return webhook
    mark = {"key": "jobset.sigs.k8s.io/jobset-name", "operator": "Exists"}
    return {**webhook, "objectSelector": {"matchExpressions": [mark]}}
