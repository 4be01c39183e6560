"""KServe: the controller with its admission webhooks, in Standard mode behind the Gateway API."""

from __future__ import annotations

import json
import shutil
import socket
import time
from typing import Any, Final

from typing_extensions import override

from shipway_lab import pki
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.errors import LabError, PartFailedError
from shipway_lab.lab import Lab
from shipway_lab.parts import contour, manifests
from shipway_lab.parts.base import Part, http_ok

NAMESPACE: Final = "kserve"
_MODULE = "github.com/kserve/kserve"
_WEBHOOK_PORT = 9543
_HEALTH_PORT = 18082
_SECONDS_TO_SERVE = 40.0
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
        env = {"POD_NAMESPACE": NAMESPACE, "TMPDIR": str(self._certificates(lab))}
        lab.processes.start(self.name, "kserve", [lab.artifact(_MANAGER.name), *arguments], env=env)
        _await_port(_WEBHOOK_PORT)
        authority = pki.encoded(lab.paths.pki / "ca.crt")
        lab.api.apply_all(at_loopback(hook, authority) for hook in manifests.load(lab, _WEBHOOKS))

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

    def _certificates(self, lab: Lab) -> str:
        """The folder for temporary files in which the manager finds its serving certificate."""
        temporary = lab.folder("kserve-tmp")
        folder = temporary / "k8s-webhook-server" / "serving-certs"
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in ("crt", "key"):
            shutil.copy(lab.paths.pki / f"webhook.{suffix}", folder / f"tls.{suffix}")
        return str(temporary)


def configured(config_map: dict[str, Any]) -> dict[str, Any]:
    """KServe's own ConfigMap with our settings laid over its defaults."""
    data = {key: value for key, value in config_map["data"].items() if key != "_example"}
    for key, settings in _SETTINGS.items():
        data[key] = json.dumps({**json.loads(data[key]), **settings})
    return {**config_map, "metadata": {**config_map["metadata"], "namespace": NAMESPACE}, "data": data}


def at_loopback(configuration: dict[str, Any], authority: str) -> dict[str, Any]:
    """A webhook configuration that calls the manager on the lab's loopback instead of through a service.

    Args:
        configuration: As KServe ships it.
        authority: Certificate of the authority in base64.
    """
    webhooks = []
    for webhook in configuration["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        client = {"url": f"https://127.0.0.1:{_WEBHOOK_PORT}{path}", "caBundle": authority}
        webhooks.append({**webhook, "clientConfig": client})
    metadata = {"name": configuration["metadata"]["name"]}
    return {**configuration, "metadata": metadata, "webhooks": webhooks}


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_SERVE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise PartFailedError(f"kserve: nothing listens on port {port} after {_SECONDS_TO_SERVE:.0f} s")
