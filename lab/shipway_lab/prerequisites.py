"""What this machine must have before a lab can run on it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from shipway_lab import cgroups
from shipway_lab.artifacts.tool import search_path
from shipway_lab.errors import MissingPrerequisiteError

_TOOLS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "uv": "uv, from PyPI",
}
_CONTROLLERS = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"}
_WAYS_OUT = (
    "Without them use a cluster you have: `shipway lab up --provider existing --kubeconfig FILE` says what it lacks, "
    "and `kind create cluster --config kind-config.yaml` makes one where Docker runs (docs/lab.md)."
)


def check() -> None:
    """Refuse to start what cannot work.

    Raises:
        MissingPrerequisiteError: Lists everything that is missing, and the ways around it.
    """
    missing = list(_missing())
    if missing:
        raise MissingPrerequisiteError(
            "this machine cannot run the lab itself; it lacks:\n"
            + "".join(f"  - {each}\n" for each in missing)
            + _WAYS_OUT
        )


def _missing() -> Iterator[str]:
    if sys.platform != "linux":
        yield f"Linux (this is {sys.platform})"
        return
    if os.geteuid() != 0:
        yield "root (for namespaces, mounts and cgroups of the lab's own)"
    if not shutil.which("go", path=search_path()):
        yield "Go 1.26 or newer, on PATH as `go` (the cluster's binaries are compiled here)"
    for tool, package in _TOOLS.items():
        if not shutil.which(tool, path=search_path()):
            yield f"{tool} ({package})"
    found = {controller for each in cgroups.hierarchies() for controller in each.controllers.split(",")}
    if not found >= _CONTROLLERS:
        absent = ", ".join(sorted(_CONTROLLERS - found))
        yield f"cgroup version 1 hierarchies for {absent} (the lab has not been made to run on cgroup version 2)"
