"""containerd with runc, the pod network, and the images."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from shipway_lab import images, oci
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.errors import PartFailedError
from shipway_lab.lab import Lab
from shipway_lab.nodes import Node
from shipway_lab.parts import node_packages
from shipway_lab.parts.base import Part

SOCKET: Final = "/run/containerd/containerd.sock"
_SECONDS_TO_SERVE = 20.0

_CONFIG = """\
version = 3
root = '{data}'
state = '/run/containerd'
disabled_plugins = [
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.nri.v1.nri',
]
[grpc]
address = '{socket}'
[plugins.'io.containerd.cri.v1.images']
snapshotter = 'overlayfs'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{pause}'
[plugins.'io.containerd.cri.v1.runtime']
# Without CAP_SYS_RESOURCE no score may be lowered, and every sandbox would fail.
restrict_oom_score_adj = true
tolerate_missing_hugetlb_controller = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
base_runtime_spec = '{base_spec}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '{runc}'
SystemdCgroup = false
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['{plugins}']
conf_dir = '{networks}'
[plugins.'io.containerd.internal.v1.opt']
path = '{data}/opt'
"""


def _network(node: Node) -> dict[str, Any]:
    """Pods keep their addresses towards everyone: there is a route back to each, and no world outside."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": node.pod_cidr}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/ipam",
    }
    return {
        "cniVersion": "1.0.0",
        "name": "lab",
        "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True, "backend": "nftables"},
        ],
    }


class Containerd(Part):
    """The container runtime of a node. Its state is below /run, which is the machine's own."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.part("containerd")
        self.needs = (node.machine,) if node.machine else ()

    @override
    def artifacts(self) -> list[Artifact]:
        """The Debian packages and the virtual environments that containers see."""
        return [node_packages.PACKAGES, images.PAUSE_BINARY, *(stub.environment for stub in images.STUBS)]

    @override
    def start(self, lab: Lab) -> None:
        """Start it and give it the images."""
        node_packages.link_nft(lab)
        shared = images.mounts(
            environments={stub.environment.name: lab.artifact(stub.environment.name) for stub in images.STUBS},
            sources=lab.spec.sources,
            python_prefix=lab.spec.python_prefix,
        )
        own = self.node.name
        networks = lab.write(f"{own}/cni/10-lab.conflist", json.dumps(_network(self.node))).parent
        config = lab.write(
            f"{own}/containerd.toml",
            _CONFIG.format(
                data=lab.folder(f"{own}/containerd"),
                socket=SOCKET,
                pause=images.PAUSE,
                base_spec=lab.write(f"{own}/base-spec.json", json.dumps(self._base_spec(lab, shared))),
                runc=node_packages.program(lab, "usr/sbin/runc"),
                plugins=node_packages.program(lab, "usr/lib/cni"),
                networks=networks,
            ),
        )
        program = node_packages.program(lab, "usr/bin/containerd")
        # The shim is looked up beside the others on PATH.
        lab.link("containerd-shim-runc-v2", program.with_name("containerd-shim-runc-v2"))
        lab.processes.start(self.name, self.name, [program, "-c", config], machine=self.node.machine)
        self._import_images(lab, list(shared))

    @override
    def ready(self, lab: Lab) -> bool:
        """Its start ended with importing the images, so it serves."""
        return True

    def _base_spec(self, lab: Lab, shared: dict[str, str]) -> dict[str, Any]:
        """The usual container specification with the mounts that stand in for the images' content.

        containerd reads it once, at its start.
        """
        spec: dict[str, Any] = json.loads(lab.processes.run([_ctr(lab), "oci", "spec"]))
        spec["process"].pop("rlimits", None)
        spec["mounts"] += [
            {"destination": inside, "type": "bind", "source": outside, "options": ["rbind", "ro"]}
            for inside, outside in shared.items()
        ]
        return spec

    def _import_images(self, lab: Lab, mount_points: list[str]) -> None:
        archive = lab.folder(f"{self.node.name}/images") / "stubs.tar"
        pause = lab.artifact(images.PAUSE_BINARY.name).read_bytes()
        oci.write_archive(archive, images.oci_images(mount_points, pause=pause))
        load: list[str | Path] = [_ctr(lab), "-a", SOCKET, "-n", "k8s.io", "images", "import", "--local", archive]
        deadline = time.monotonic() + _SECONDS_TO_SERVE
        while True:
            try:
                lab.processes.run(load, machine=self.node.machine)
                return
            except subprocess.CalledProcessError as error:
                if time.monotonic() > deadline:
                    raise PartFailedError(f"containerd does not take the images: {error.stderr.strip()}") from error
                time.sleep(0.05)


def _ctr(lab: Lab) -> Path:
    return node_packages.program(lab, "usr/bin/ctr")
