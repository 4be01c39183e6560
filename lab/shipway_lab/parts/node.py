"""The node: kubelet, service proxy and name server."""

from __future__ import annotations

import json
from typing import Any

from typing_extensions import override

from shipway_lab import kubeapi, pki
from shipway_lab.addresses import CLUSTER_DOMAIN, DNS_IP, NODE_IP, NODE_NAME, POD_CIDR
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary
from shipway_lab.lab import Lab
from shipway_lab.parts import containerd, kubernetes, node_packages
from shipway_lab.parts.base import Part, http_ok

_COREDNS = GoBinary("coredns", "kube", "./cmd/coredns", usual_seconds=20)

_COREFILE = """\
.:53 {{
    bind {address}
    health 127.0.0.1:8182
    ready 127.0.0.1:8181
    errors
    cache 5
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
    }}
}}
"""


class Kubelet(Part):
    """The kubelet of the one real node."""

    name = "kubelet"
    needs = ("apiserver", "containerd")

    @override
    def start(self, lab: Lab) -> None:
        """Start it on the lab's cgroups and the folders that are the lab's own."""
        arguments = (
            f"--config={lab.write('kubelet.yaml', json.dumps(self._config(lab)))}",
            f"--kubeconfig={lab.write('node.kubeconfig', pki.kubeconfig(lab.paths.pki, 'node'))}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE_IP}",
            "--root-dir=/var/lib/kubelet",
            f"--cert-dir={lab.folder('kubelet-certificates')}",
        )
        kubernetes.start(lab, self.name, "kubelet", arguments)

    @override
    def ready(self, lab: Lab) -> bool:
        """The node says it is ready."""
        return kubeapi.condition(lab.api.get(f"/api/v1/nodes/{NODE_NAME}"), "Ready")

    def _config(self, lab: Lab) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": "/",
            "cgroupsPerQOS": True,
            "enforceNodeAllocatable": ["pods"],
            "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{lab.paths.pki}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{lab.paths.pki}/node.crt",
            "tlsPrivateKeyFile": f"{lab.paths.pki}/node.key",
            "clusterDomain": CLUSTER_DOMAIN,
            "clusterDNS": [DNS_IP],
            # Without the search list of the lab's own processes, which pods get with their namespace in it anyway.
            "resolvConf": str(lab.write("pod-resolv.conf", f"nameserver {DNS_IP}\n")),
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "maxOpenFiles": 20000,
            "nodeStatusUpdateFrequency": "4s",
            # There is no registry to fetch an image from again.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "podLogsDir": str(lab.folder("pod-logs")),
            "volumePluginDir": str(lab.folder("volume-plugins")),
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "nodefs.inodesFree": "1%",
                "imagefs.available": "1%",
            },
        }


class KubeProxy(Part):
    """Services, by nftables."""

    name = "kube-proxy"
    needs = ("apiserver",)

    @override
    def start(self, lab: Lab) -> None:
        """Start it without touching connection tracking limits, which belong to the host."""
        node_packages.link_nft(lab)
        config = lab.write("kube-proxy.kubeconfig", pki.kubeconfig(lab.paths.pki, "admin"))
        arguments = (
            "--proxy-mode=nftables",
            f"--kubeconfig={config}",
            f"--hostname-override={NODE_NAME}",
            f"--cluster-cidr={POD_CIDR}",
            "--conntrack-max-per-core=0",
            "--conntrack-min=0",
            "--metrics-bind-address=127.0.0.1:10249",
            "--healthz-bind-address=127.0.0.1:10256",
        )
        kubernetes.start(lab, self.name, "kube-proxy", arguments)

    @override
    def ready(self, lab: Lab) -> bool:
        """It has written its rules once."""
        return http_ok(10256, "/livez")


class CoreDns(Part):
    """Names of services and pods, for pods and for the lab's own processes."""

    name = "coredns"
    needs = ("apiserver",)

    @override
    def artifacts(self) -> list[Artifact]:
        """CoreDNS with the plugins its configuration names."""
        return [_COREDNS]

    @override
    def start(self, lab: Lab) -> None:
        """Start it on the node's link-local address."""
        corefile = lab.write(
            "Corefile",
            _COREFILE.format(address=DNS_IP, domain=CLUSTER_DOMAIN, kubeconfig=lab.paths.inner_kubeconfig),
        )
        lab.processes.start(self.name, "coredns", [lab.artifact(_COREDNS.name), "-conf", corefile])

    @override
    def ready(self, lab: Lab) -> bool:
        """It has read the services."""
        return http_ok(8181, "/ready")
