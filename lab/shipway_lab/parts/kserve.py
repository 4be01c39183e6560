"""KServe: the controller with its admission webhooks, in Standard mode behind the Gateway API."""

from __future__ import annotations

import json
from typing import Any, Final

from typing_extensions import override

from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.errors import LabError
from shipway_lab.lab import Lab
from shipway_lab.parts import contour, manifests, webhooks
from shipway_lab.parts.base import Part, http_ok

NAMESPACE: Final = "kserve"
_MODULE = "github.com/kserve/kserve"
_WEBHOOK_PORT = 9543
_HEALTH_PORT = 18082
_MANAGER = GoBinary("kserve", "kserve", f"{_MODULE}/cmd/manager", usual_seconds=160)
_CRDS = GoModuleManifests(
    "kserve-crds",
    "kserve",
    _MODULE,
    ("config/crd/full/serving.kserve.io_*.yaml", "config/crd/full/clusterstoragecontainer/*.yaml"),
)
_CONFIG = GoModuleManifests("kserve-config", "kserve", _MODULE, ("config/configmap/inferenceservice.yaml",))
_WEBHOOKS = GoModuleManifests("kserve-webhooks", "kserve", _MODULE, ("config/webhook/manifests.yaml",))

# What differs from KServe's own defaults, by key of its ConfigMap. Routes are the business of whoever releases models.
_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "deploy": {"defaultDeploymentMode": "Standard"},
    "ingress": {
        "enableGatewayApi": True,
        "kserveIngressGateway": f"{contour.NAMESPACE}/{contour.GATEWAY}",
        "ingressDomain": "lab.local",
        "disableIngressCreation": True,
        "disableIstioVirtualHost": True,
    },
    # Predictors of the default size would not fit twice on a small machine.
    "inferenceService": {
        "resource": {"cpuLimit": "1", "memoryLimit": "1Gi", "cpuRequest": "50m", "memoryRequest": "128Mi"}
    },
}

_REFUSED: Final[dict[str, Any]] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "0-is-no-letter", "namespace": "default"},
    "spec": {"predictor": {"model": {"modelFormat": {"name": "any"}, "storageUri": "s3://any/model"}}},
}


class KServe(Part):
    """The controller manager as a process of the lab; its webhooks are called on the lab's loopback."""

    name = "kserve"
    needs = ("apiserver", "contour")

    @override
    def artifacts(self) -> list[Artifact]:
        """The manager, its definitions, configuration and webhooks."""
        return [_MANAGER, _CRDS, _CONFIG, _WEBHOOKS]

    @override
    def start(self, lab: Lab) -> None:
        """Apply definitions and configuration, start the manager, and switch the webhooks on once they answer."""
        lab.api.apply(manifests.namespace(NAMESPACE))
        lab.api.apply(configured(manifests.load(lab, _CONFIG)[0]))
        lab.api.define(manifests.load(lab, _CRDS))
        arguments = (
            f"--kubeconfig={lab.paths.inner_kubeconfig}",
            "--metrics-addr=127.0.0.1:18081",
            f"--health-probe-addr=127.0.0.1:{_HEALTH_PORT}",
            f"--webhook-port={_WEBHOOK_PORT}",
        )
        env = {"POD_NAMESPACE": NAMESPACE, "TMPDIR": str(webhooks.certificates(lab, self.name))}
        lab.processes.start(self.name, "kserve", [lab.artifact(_MANAGER.name), *arguments], env=env)
        webhooks.await_port(self.name, _WEBHOOK_PORT)
        hooks = manifests.load(lab, _WEBHOOKS)
        authority = webhooks.authority(lab)
        lab.api.apply_all(webhooks.at_loopback(hook, authority, port=_WEBHOOK_PORT) for hook in hooks)

    @override
    def ready(self, lab: Lab) -> bool:
        """The manager says so, and an object with a forbidden name is refused: its webhooks are asked."""
        if not http_ok(_HEALTH_PORT, "/readyz"):
            return False
        try:
            lab.api.apply(_REFUSED, dry_run=True)
        except LabError as error:
            return "denied the request" in str(error)
        return False


def configured(config_map: dict[str, Any]) -> dict[str, Any]:
    """KServe's own ConfigMap with our settings laid over its defaults."""
    data = {key: value for key, value in config_map["data"].items() if key != "_example"}
    for key, settings in _SETTINGS.items():
        data[key] = json.dumps({**json.loads(data[key]), **settings})
    return {**config_map, "metadata": {**config_map["metadata"], "namespace": NAMESPACE}, "data": data}
