"""A cgroup of the lab's own in every hierarchy, so that labs side by side never touch each other's pods.

Each lab runs in a cgroup namespace rooted there: its kubelet sees, creates and removes only what lies below.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shipway_lab.errors import LabError

_REMOVAL_SECONDS = 20.0
# One weight stands for the whole lab: without more of it, every other process on the machine would weigh as much.
_CPU_SHARES = 8 * 1024


@dataclass(frozen=True)
class Hierarchy:
    """One cgroup hierarchy.

    Attributes:
        controllers: Comma-separated controllers or `name=...` of a version 1 hierarchy; empty for version 2.
        here: Folder of this process's cgroup in it.
    """

    controllers: str
    here: Path


def names() -> list[str]:
    """The controllers of every hierarchy, as in `Hierarchy`. Unlike their places, readable in any cgroup namespace."""
    return [line.split(":", 2)[1] for line in Path("/proc/self/cgroup").read_text().splitlines()]


def hierarchies() -> list[Hierarchy]:
    """Every hierarchy that is mounted, with the place of this process in it."""
    mounts = dict(_mounts())
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in mounts:
            found.append(Hierarchy(controllers, mounts[controllers] / path.lstrip("/")))
    return found


def create(state: Path, name: str) -> list[Path]:
    """Make the lab's cgroups below this process's own and return their folders."""
    identity = hashlib.sha256(str(state).encode()).hexdigest()[:6]
    return create_here(f"shipway-lab-{name}-{identity}", cpu_shares=_CPU_SHARES)


def create_here(name: str, *, cpu_shares: int) -> list[Path]:
    """Make a cgroup below this process's own in every hierarchy and return their folders.

    Args:
        name: Name of the folders.
        cpu_shares: Weight against what else wants the processors; the usual one of a process is 1024.
    """
    made = []
    for hierarchy in hierarchies():
        folder = hierarchy.here / name
        folder.mkdir(exist_ok=True)
        if "cpuset" in hierarchy.controllers.split(","):
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (folder / setting).write_text((hierarchy.here / setting).read_text())
        if "cpu" in hierarchy.controllers.split(","):
            (folder / "cpu.shares").write_text(str(cpu_shares))
        made.append(folder)
    return made


def enter(cgroups: Iterable[Path]) -> None:
    """Move this process there."""
    for folder in cgroups:
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def processes(cgroup: Path) -> Iterator[tuple[int, Path]]:
    """Process ids below a cgroup, each with the folder it is in."""
    for folder, _, _ in os.walk(cgroup):
        with contextlib.suppress(OSError):
            for pid in (Path(folder) / "cgroup.procs").read_text().split():
                yield int(pid), Path(folder)


def remove(cgroups: Iterable[Path]) -> None:
    """Remove cgroups with all below them, waiting for processes that are just ending.

    Raises:
        LabError: Processes still live there after 20 seconds.
    """
    deadline = time.monotonic() + _REMOVAL_SECONDS
    for cgroup in cgroups:
        while cgroup.exists():
            _remove_empty(cgroup)
            if cgroup.exists() and time.monotonic() > deadline:
                living = sorted(pid for pid, _ in processes(cgroup))
                raise LabError(f"cgroup {cgroup} is still in use by processes {living}")
            time.sleep(0.02)


def _remove_empty(cgroup: Path) -> None:
    for folder, _, _ in os.walk(cgroup, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _mounts() -> Iterator[tuple[str, Path]]:
    """Controllers as /proc/self/cgroup names them, and where that hierarchy's root is reachable."""
    named = names()
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        separator = fields.index("-")
        kind, options = fields[separator + 1], set(fields[separator + 3].split(","))
        root, target = fields[3], Path(fields[4])
        if root != "/":
            continue
        if kind == "cgroup2":
            yield "", target
        elif kind == "cgroup":
            yield from ((name, target) for name in named if name and set(name.split(",")) <= options)
