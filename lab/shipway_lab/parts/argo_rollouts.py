"""Argo Rollouts: canaries judged by queries. As it ships, to be measured beside ours.

Its traffic goes through the lab's gateway by a small plug-in of our own (`lab/go/rollouts/cmd/weights`), which sets the
weights of an HTTPRoute as Argo's own plug-in for the Gateway API does.
"""

from __future__ import annotations

from typing import Final

import yaml
from typing_extensions import override

from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.lab import Lab
from shipway_lab.parts import manifests
from shipway_lab.parts.base import Part, http_ok

NAMESPACE: Final = "argo-rollouts"
PLUGIN: Final = "shipway/weights"
"""Key under `trafficRouting.plugins` of a Rollout; its value names the route: `{route: NAME}`."""
_MODULE = "github.com/argoproj/argo-rollouts"
_BINARY = GoBinary("argo-rollouts", "rollouts", f"{_MODULE}/cmd/rollouts-controller", usual_seconds=230)
_PLUGIN_BINARY = GoBinary("argo-rollouts-weights", "rollouts", "./cmd/weights", usual_seconds=10)
_CRDS = GoModuleManifests("argo-rollouts-crds", "rollouts", _MODULE, ("manifests/crds/*-crd.yaml",))
_METRICS = 18190
_HEALTH = 18191
# It copies its plug-ins into the folder it is started in.
_IN_FOLDER = 'cd "$0" && exec "$@"'


class ArgoRollouts(Part):
    """The controller with its plug-in, default settings and no leader election."""

    name = "argo-rollouts"
    needs = ("apiserver", "kcm", "contour", "prometheus")

    @override
    def artifacts(self) -> list[Artifact]:
        """The controller, the plug-in and the definitions."""
        return [_BINARY, _PLUGIN_BINARY, _CRDS]

    @override
    def start(self, lab: Lab) -> None:
        """Define its kinds, tell it of the plug-in, start it."""
        lab.api.define(manifests.load(lab, _CRDS))
        plugins = [{"name": PLUGIN, "location": f"file://{lab.artifact(_PLUGIN_BINARY.name)}"}]
        config = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argo-rollouts-config", "namespace": NAMESPACE},
            "data": {"trafficRouterPlugins": yaml.safe_dump(plugins)},
        }
        lab.api.apply_all([manifests.namespace(NAMESPACE), config])
        kubeconfig = str(lab.paths.inner_kubeconfig)
        command = (
            lab.artifact(_BINARY.name),
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            f"--metricsport={_METRICS}",
            f"--healthzPort={_HEALTH}",
        )
        within = ("sh", "-c", _IN_FOLDER, lab.folder(self.name))
        env = {"POD_NAMESPACE": NAMESPACE, "KUBECONFIG": kubeconfig}
        lab.processes.start(self.name, self.name, [*within, *command], env=env)

    @override
    def ready(self, lab: Lab) -> bool:
        """The controller says so."""
        return http_ok(_HEALTH, "/healthz")
