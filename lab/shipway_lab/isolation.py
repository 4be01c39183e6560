"""The private world of a lab: mounts, cgroup file systems, network and resolver inside its namespaces.

Everything here runs inside the namespaces and is gone with them. The host's /run, mounts and network stay untouched.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from shipway_lab import cgroups
from shipway_lab.addresses import CLUSTER_DOMAIN, DNS_IP, GATEWAY_IP, NODE_IP, NODE_PREFIX

# The kubelet, containerd and the network plug-ins write to fixed folders below these.
_COVERED = ("/run", "/var/lib", "/var/log")
_INSIDE = ("/run/netns", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers")
NAMESPACES: Final = {"mount": "mnt", "net": "net", "cgroup": "cgroup"}
"""What a further machine has of its own, as options call it, and as /proc does."""
_CGROUP_ROOT = Path("/sys/fs/cgroup")


def enter(*, keep_visible: Iterable[Path], resolver: Path) -> None:
    """Set up the namespaces this process was started in.

    Args:
        keep_visible: Folders that must stay reachable at their place even if a covered folder contains them.
        resolver: File to write the resolver configuration to; it takes the place of /etc/resolv.conf.
    """
    _run("mount", "-n", "--make-rprivate", "/")
    _cover(tuple(keep_visible))
    _mount_cgroups()
    _network()
    _resolve_with(resolver)


def enter_machine(*, keep_visible: Iterable[Path], resolver: Path) -> None:
    """Set up the namespaces of a further machine; its link to the others is laid from outside. As `enter` otherwise."""
    _cover(tuple(keep_visible))
    _mount_cgroups()
    _run("ip", "link", "set", "lo", "up")
    _forward()
    _resolve_with(resolver)


def namespace_files(machine: str) -> dict[str, Path]:
    """Where the namespaces of a machine are found, by kind. `ip -n MACHINE` looks for that of its network there."""
    return {kind: Path(f"/run/{name}ns/{machine}") for kind, name in NAMESPACES.items()}


def join_cgroups(machine: str, last: Path | None = None) -> list[str]:
    """Words before a command that put it into the cgroups of a machine, and then into one cgroup below them."""
    script = 'for group in "$@"; do shift; [ "$group" = -- ] && break; echo $$ > "$group/cgroup.procs"; done; exec "$@"'
    # Not those that are mere other names of a hierarchy.
    folders = [folder / machine for folder in sorted(_CGROUP_ROOT.iterdir()) if not folder.is_symlink()]
    return ["sh", "-c", script, "join", *map(str, folders), *([str(last)] if last else []), "--"]


def join_machine(machine: str) -> list[str]:
    """Words before a command that run it in the namespaces of a machine."""
    return ["nsenter", *(f"--{kind}={file}" for kind, file in namespace_files(machine).items()), "--"]


def _cover(keep_visible: tuple[Path, ...]) -> None:
    """Put empty folders over those the node writes to, then put back what must stay visible."""
    covered = tuple(Path(folder).resolve() for folder in _COVERED)
    kept = [path for path in keep_visible if any(path.resolve().is_relative_to(folder) for folder in covered)]
    handles = [(path.resolve(), os.open(path, os.O_PATH)) for path in kept]
    for folder in covered:
        _run("mount", "-n", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder))
    for folder_name in _INSIDE:
        Path(folder_name).mkdir(parents=True, exist_ok=True)
    for path, handle in handles:
        path.mkdir(parents=True, exist_ok=True)
        # The open handle is the only way left to what lies under the new mount.
        _run("mount", "-n", "-c", "--rbind", f"/proc/{os.getpid()}/fd/{handle}", str(path))
        os.close(handle)


def _mount_cgroups() -> None:
    """Mount the hierarchies anew: from here their roots are the lab's own cgroups."""
    _run("umount", "-n", "-R", str(_CGROUP_ROOT))
    _run("mount", "-n", "-t", "tmpfs", "-o", "mode=755", "cgroup", str(_CGROUP_ROOT))
    for controllers in cgroups.names():
        folder = _CGROUP_ROOT / (controllers.removeprefix("name=") or "unified")
        folder.mkdir()
        if not controllers:
            _run("mount", "-n", "-t", "cgroup2", "cgroup2", str(folder))
            continue
        options = f"none,{controllers}" if controllers.startswith("name=") else controllers
        _run("mount", "-n", "-t", "cgroup", "-o", options, "cgroup", str(folder))
        for controller in controllers.split(",") if "," in controllers else ():
            (_CGROUP_ROOT / controller).symlink_to(folder)


def _network() -> None:
    """A loopback device and a pair of virtual Ethernet devices that carries the node's address."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "addr", "add", f"{DNS_IP}/32", "dev", "lo")
    _run("ip", "link", "add", "eth9", "type", "veth", "peer", "name", "eth9p")
    _run("ip", "link", "set", "eth9p", "up")
    _run("ip", "addr", "add", f"{NODE_IP}/{NODE_PREFIX}", "dev", "eth9")
    _run("ip", "link", "set", "eth9", "up")
    _run("ip", "route", "add", "default", "via", GATEWAY_IP, "dev", "eth9")
    _forward()


def _forward() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _resolve_with(resolver: Path) -> None:
    resolver.write_text(
        f"nameserver {DNS_IP}\n"
        f"search default.svc.{CLUSTER_DOMAIN} svc.{CLUSTER_DOMAIN} {CLUSTER_DOMAIN}\n"
        "options ndots:5\n"
    )
    place = Path("/etc/resolv.conf").resolve()
    if not place.exists():  # A link into /run, which is empty in here.
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _run("mount", "-n", "--bind", str(resolver), str(place))


def _run(*command: str) -> None:
    # `-n` for every mount: its record in /run/mount would be the host's until /run is covered.
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
