"""Kueue: Jobs wait in queues until there is quota for them. As it ships, with its webhooks, to be measured beside ours.

Not part of what `make demo` and the tests build: it takes minutes to compile and nothing else needs it.
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

NAMESPACE: Final = "kueue-system"
_MODULE = "sigs.k8s.io/kueue"
_BINARY = GoBinary("kueue", "kueue", f"{_MODULE}/cmd/kueue", usual_seconds=240)
_COMPONENTS = "config/components"
_CRDS = GoModuleManifests("kueue-crds", "kueue", _MODULE, (f"{_COMPONENTS}/crd/bases/*.yaml",))
# Those of its patches that its kustomization applies.
_CONVERSIONS = GoModuleManifests(
    "kueue-conversions",
    "kueue",
    _MODULE,
    tuple(
        f"{_COMPONENTS}/crd/patches/webhook_in_{plural}.yaml"
        for plural in ("localqueues", "clusterqueues", "cohorts", "workloads", "multikueueclusters")
    ),
)
_HOOKS = GoModuleManifests("kueue-webhooks", "kueue", _MODULE, (f"{_COMPONENTS}/webhook/manifests.yaml",))
_SHIPPED = GoModuleManifests(
    "kueue-config", "kueue", _MODULE, (f"{_COMPONENTS}/manager/controller_manager_config.yaml",)
)
_PORT = 9843
_HEALTH = 18094
_SPARED = ("pod", "deployment", "statefulset")
# It reads the certificate of its metrics from a fixed place below /etc, which is the host's: so it gets its own /etc.
_WITH_OWN_ETC = """\
set -e
mount -n -t tmpfs -o mode=755 tmpfs /etc
mkdir -p /etc/kueue/metrics
cp -r "$0" /etc/kueue/metrics/certs
exec "$@"
"""


class Kueue(Part):
    """Kueue's manager, its definitions and webhooks, without the server that shows queues on demand."""

    name = "kueue"
    needs = ("apiserver", "kcm")

    @override
    def artifacts(self) -> list[Artifact]:
        """The manager, its definitions, configuration and webhooks."""
        return [_BINARY, _CRDS, _CONVERSIONS, _HOOKS, _SHIPPED]

    @override
    def start(self, lab: Lab) -> None:
        """Define its kinds, start the manager, switch the webhooks on."""
        authority = webhooks.authority(lab)
        converted = {each["metadata"]["name"] for each in manifests.load(lab, _CONVERSIONS)}
        lab.api.define(convertible(each, converted, authority) for each in manifests.load(lab, _CRDS))
        lab.api.apply(manifests.namespace(NAMESPACE))
        certificates = webhooks.certificates(lab, self.name) / "k8s-webhook-server" / "serving-certs"
        config = {
            **manifests.load(lab, _SHIPPED)[0],
            "namespace": NAMESPACE,
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False},
            "webhook": {"port": _PORT, "host": "127.0.0.1", "certDir": str(certificates)},
            "metrics": {"bindAddress": "127.0.0.1:18095"},
            "health": {"healthProbeBindAddress": f"127.0.0.1:{_HEALTH}"},
        }
        command = (
            lab.artifact(_BINARY.name),
            f"--config={lab.write('kueue.yaml', json.dumps(config))}",
            f"--kubeconfig={lab.paths.inner_kubeconfig}",
            "--feature-gates=VisibilityOnDemand=false",
            "--zap-log-level=2",
        )
        apart = ("unshare", "--mount", "sh", "-c", _WITH_OWN_ETC, certificates)
        lab.processes.start(self.name, self.name, [*apart, *command])
        webhooks.await_port(self.name, _PORT)
        for shipped in manifests.load(lab, _HOOKS):
            name = f"kueue-{shipped['kind'].lower()}"
            local = webhooks.at_loopback(shipped, authority, port=_PORT, name=name)
            lab.api.apply({**local, "webhooks": [spare_system(webhook) for webhook in local["webhooks"]]})

    @override
    def ready(self, lab: Lab) -> bool:
        """The manager says so."""
        return http_ok(_HEALTH, "/readyz")


def convertible(definition: dict[str, Any], converted: set[str], authority: str) -> dict[str, Any]:
    """A definition whose versions the manager converts into each other, as Kueue's kustomization does to some."""
    if definition["metadata"]["name"] not in converted:
        return definition
    client = {"url": f"https://127.0.0.1:{_PORT}/convert", "caBundle": authority}
    webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    return {**definition, "spec": {**definition["spec"], "conversion": {"strategy": "Webhook", "webhook": webhook}}}


def spare_system(webhook: dict[str, Any]) -> dict[str, Any]:
    """A webhook that is not asked about pods of the system, and of Kueue itself, as its kustomization has it."""
    if webhook["name"].split(".")[0][1:] not in _SPARED:
        return webhook
    others = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", NAMESPACE]}
    return {**webhook, "namespaceSelector": {"matchExpressions": [others]}}
