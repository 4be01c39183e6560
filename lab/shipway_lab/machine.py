"""A machine of its own for a further node: mount, network and cgroup namespaces inside those of the lab.

The supervisor holds the namespaces by open files, no process in them does: a node whose every process was killed is a
machine without power and can be started again, and the namespaces end with the lab, whatever ends it. They are not
bound to files: the kernel refuses that for mount namespaces whose number is lower than that of the one they would be
bound in, and numbers come from a pool per processor.

The machines stand around the first node, which passes on what they send each other: a link to each, a route per link.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shipway_lab import cgroups, isolation
from shipway_lab.addresses import NODE_IP
from shipway_lab.errors import PartFailedError
from shipway_lab.nodes import Node
from shipway_lab.processes import Processes

_CPU_SHARES: Final = 4 * 1024
_LINK: Final = "eth9"
_FURNISHED: Final = "furnished"


def create(node: Node, processes: Processes, *, keep_visible: Sequence[str], resolver: Path) -> None:
    """Make the namespaces and cgroups, and the link to the first node. This process holds them until it ends.

    Args:
        node: Any but the first.
        processes: For the commands that lay the link.
        keep_visible: As for `isolation.enter`.
        resolver: Where its resolver configuration is to be written.

    Raises:
        PartFailedError: The namespaces could not be made; the message ends with what was said.
    """
    assert node.machine
    cgroups.create_here(node.machine, cpu_shares=_CPU_SHARES)
    furnish = [sys.executable, "-m", "shipway_lab.machine", str(resolver), *keep_visible]
    unshare = ["unshare", *(f"--{kind}" for kind in isolation.NAMESPACES), *furnish]
    with subprocess.Popen(
        [*isolation.join_cgroups(node.machine), *unshare],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        if process.stdout.readline().strip() != _FURNISHED:
            _, said = process.communicate()
            raise PartFailedError(f"{node.name}: no namespaces of its own: {said.strip()}")
        _hold(node.machine, process.pid)
    for command in _link(node):
        processes.run(command.split())


def _hold(machine: str, pid: int) -> None:
    """Keep the namespaces of a process open and name them by links to our descriptors, which are never closed."""
    for kind, file in isolation.namespace_files(machine).items():
        descriptor = os.open(f"/proc/{pid}/ns/{isolation.NAMESPACES[kind]}", os.O_RDONLY)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(f"/proc/{os.getpid()}/fd/{descriptor}")


def _link(node: Node) -> list[str]:
    inside = f"ip -n {node.machine}"
    return [
        f"ip link add {node.name} type veth peer name {_LINK} netns {node.machine}",
        f"ip addr add {NODE_IP} peer {node.ip} dev {node.name}",
        f"ip link set {node.name} up",
        f"ip route add {node.pod_cidr} via {node.ip} dev {node.name} src {NODE_IP}",
        f"{inside} addr add {node.ip} peer {NODE_IP} dev {_LINK}",
        f"{inside} link set {_LINK} up",
        f"{inside} route add default via {NODE_IP} dev {_LINK}",
    ]


def main(arguments: Sequence[str]) -> int:
    """Furnish the namespaces this process was started in, say so, and keep them until the input ends.

    Args:
        arguments: Where to write the resolver configuration, then the folders that must stay visible.
    """
    resolver, *visible = arguments
    isolation.enter_machine(keep_visible=[Path(folder) for folder in visible], resolver=Path(resolver))
    print(_FURNISHED, flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
