"""What makes a node: kubelet and service proxy, a machine for each but the first, and one name server for all."""

from __future__ import annotations

import json
from typing import Any

from typing_extensions import override

from shipway_lab import kubeapi, machine, pki
from shipway_lab.addresses import CLUSTER_DOMAIN, DNS_IP, POD_CIDR
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary
from shipway_lab.lab import Lab
from shipway_lab.nodes import Node
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


class Machine(Part):
    """The namespaces of a node that does not live in those of the lab. Has no process; files hold them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.name

    @override
    def start(self, lab: Lab) -> None:
        """Make them, and the link to the first node."""
        resolver = lab.write(f"{self.node.name}/resolv.conf", "")
        machine.create(self.node, lab.processes, keep_visible=lab.spec.keep_visible, resolver=resolver)

    @override
    def ready(self, lab: Lab) -> bool:
        """They are there once they were made."""
        return True


class Kubelet(Part):
    """The kubelet of a node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.part("kubelet")
        self.needs = ("apiserver", node.part("containerd"))

    @override
    def start(self, lab: Lab) -> None:
        """Start it on the cgroups and the folders that are the machine's own."""
        own = self.node.name
        lab.api.apply(_node(self.node))
        arguments = (
            f"--config={lab.write(f'{own}/kubelet.yaml', json.dumps(self._config(lab)))}",
            f"--kubeconfig={lab.write(f'{own}/kubeconfig', pki.kubeconfig(lab.paths.pki, own))}",
            f"--hostname-override={own}",
            f"--node-ip={self.node.ip}",
            "--root-dir=/var/lib/kubelet",
            f"--cert-dir={lab.folder(f'{own}/kubelet-certificates')}",
        )
        kubernetes.start(lab, self.name, "kubelet", arguments, node=self.node)

    @override
    def ready(self, lab: Lab) -> bool:
        """The node says it is ready."""
        return kubeapi.condition(lab.api.get(f"/api/v1/nodes/{self.node.name}"), "Ready")

    def _config(self, lab: Lab) -> dict[str, Any]:
        own = self.node.name
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
            "tlsCertFile": f"{lab.paths.pki}/{own}.crt",
            "tlsPrivateKeyFile": f"{lab.paths.pki}/{own}.key",
            "clusterDomain": CLUSTER_DOMAIN,
            "clusterDNS": [DNS_IP],
            # Without the search list of the lab's own processes, which pods get with their namespace in it anyway.
            "resolvConf": str(lab.write(f"{own}/pod-resolv.conf", f"nameserver {DNS_IP}\n")),
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "maxOpenFiles": 20000,
            "nodeStatusUpdateFrequency": "4s",
            # There is no registry to fetch an image from again.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "podLogsDir": str(lab.folder(f"{own}/pod-logs")),
            "volumePluginDir": str(lab.folder(f"{own}/volume-plugins")),
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "nodefs.inodesFree": "1%",
                "imagefs.available": "1%",
            },
        }


class KubeProxy(Part):
    """Services on a node, by nftables."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.part("kube-proxy")
        self.needs = ("apiserver", *((node.machine,) if node.machine else ()))

    @override
    def start(self, lab: Lab) -> None:
        """Start it without touching connection tracking limits, which belong to the host."""
        node_packages.link_nft(lab)
        config = lab.write(f"{self.node.name}/kube-proxy.kubeconfig", pki.kubeconfig(lab.paths.pki, "admin"))
        arguments = (
            "--proxy-mode=nftables",
            f"--kubeconfig={config}",
            f"--hostname-override={self.node.name}",
            f"--cluster-cidr={POD_CIDR}",
            "--conntrack-max-per-core=0",
            "--conntrack-min=0",
            "--metrics-bind-address=127.0.0.1:10249",
            f"--healthz-bind-address={self.node.ip}:10256",
        )
        kubernetes.start(lab, self.name, "kube-proxy", arguments, node=self.node)

    @override
    def ready(self, lab: Lab) -> bool:
        """It has written its rules once."""
        return http_ok(10256, "/livez", host=self.node.ip)


def _node(node: Node) -> dict[str, Any]:
    """The node before its kubelet finds it: a controller would hand out the pods' addresses in order of arrival."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name},
        "spec": {"podCIDR": node.pod_cidr, "podCIDRs": [node.pod_cidr]},
    }


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
        """Start it on the link-local address of the first node, to which the others have a route."""
        corefile = lab.write(
            "Corefile",
            _COREFILE.format(address=DNS_IP, domain=CLUSTER_DOMAIN, kubeconfig=lab.paths.inner_kubeconfig),
        )
        lab.processes.start(self.name, "coredns", [lab.artifact(_COREDNS.name), "-conf", corefile])

    @override
    def ready(self, lab: Lab) -> bool:
        """It has read the services."""
        return http_ok(8181, "/ready")
