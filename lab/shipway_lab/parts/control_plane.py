"""apiserver, controller manager and scheduler, with the admission plug-ins and controllers of a real cluster."""

from __future__ import annotations

from typing import Final

import yaml
from typing_extensions import override

from shipway_lab import pki
from shipway_lab.addresses import API_PORT, ETCD_URL, NODE_IP, POD_CIDR, SERVICE_CIDR
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.lab import Lab
from shipway_lab.parts import kubernetes
from shipway_lab.parts.base import Part, http_ok

# The default of 20 requests a second makes a burst of pods wait for the controllers instead of the machine.
_QUICK_CLIENT: Final = ("--kube-api-qps=500", "--kube-api-burst=1000")
_SINGLE: Final = ("--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false")

# Every write, who made it and whether it was allowed: tests count an operator's writes with it.
_AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "None", "verbs": ["get", "list", "watch"]}, {"level": "Metadata"}],
}


class ApiServer(Part):
    """The apiserver, and the listener that makes it reachable from the host."""

    name = "apiserver"
    needs = ("etcd",)

    @override
    def artifacts(self) -> list[Artifact]:
        """The Kubernetes binary."""
        return [kubernetes.HK]

    @override
    def start(self, lab: Lab) -> None:
        """Start it for pods and for the lab's own processes alike: on every address inside."""
        keys = lab.paths.pki
        policy = lab.write("audit-policy.yaml", yaml.safe_dump(_AUDIT_POLICY))
        arguments = (
            f"--etcd-servers={ETCD_URL}",
            "--bind-address=0.0.0.0",
            f"--advertise-address={NODE_IP}",
            f"--secure-port={API_PORT}",
            f"--tls-cert-file={keys}/apiserver.crt",
            f"--tls-private-key-file={keys}/apiserver.key",
            f"--client-ca-file={keys}/ca.crt",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={keys}/sa.pub",
            f"--service-account-signing-key-file={keys}/sa.key",
            f"--service-cluster-ip-range={SERVICE_CIDR}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--kubelet-client-certificate={keys}/kubelet-client.crt",
            f"--kubelet-client-key={keys}/kubelet-client.key",
            f"--kubelet-certificate-authority={keys}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            f"--requestheader-client-ca-file={keys}/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={keys}/front-proxy-client.crt",
            f"--proxy-client-key-file={keys}/front-proxy-client.key",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={lab.paths.audit_log}",
        )
        kubernetes.start(lab, self.name, "kube-apiserver", arguments)

    @override
    def ready(self, lab: Lab) -> bool:
        """Every readiness check of its own passes."""
        return bool(lab.api.get("/readyz") == "ok")


class ControllerManager(Part):
    """The controllers: garbage collection, namespaces, service accounts, deployments, jobs and all others."""

    name = "kcm"
    needs = ("apiserver",)

    @override
    def start(self, lab: Lab) -> None:
        """Start all controllers but two that only slow the start down and have nothing to do on one node."""
        keys = lab.paths.pki
        config = lab.write("kcm.kubeconfig", pki.kubeconfig(keys, "kcm"))
        arguments = (
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={keys}/sa.key",
            f"--root-ca-file={keys}/ca.crt",
            f"--cluster-signing-cert-file={keys}/ca.crt",
            f"--cluster-signing-key-file={keys}/ca.key",
            "--allocate-node-cidrs=true",
            f"--cluster-cidr={POD_CIDR}",
            f"--service-cluster-ip-range={SERVICE_CIDR}",
            "--node-monitor-grace-period=16s",
            "--controllers=*,-persistentvolume-attach-detach-controller,-selinux-warning-controller",
            *_QUICK_CLIENT,
            *_SINGLE,
        )
        kubernetes.start(lab, self.name, "kube-controller-manager", arguments)

    @override
    def ready(self, lab: Lab) -> bool:
        """The service account exists without which no pod can be created."""
        return bool(lab.api.get("/api/v1/namespaces/default/serviceaccounts/default"))


class Scheduler(Part):
    """The scheduler."""

    name = "scheduler"
    needs = ("apiserver",)

    @override
    def start(self, lab: Lab) -> None:
        """Start it."""
        config = lab.write("scheduler.kubeconfig", pki.kubeconfig(lab.paths.pki, "scheduler"))
        arguments = (
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            *_QUICK_CLIENT,
            *_SINGLE,
        )
        kubernetes.start(lab, self.name, "kube-scheduler", arguments)

    @override
    def ready(self, lab: Lab) -> bool:
        """Its caches are filled."""
        return http_ok(10259, "/readyz", tls=True)
