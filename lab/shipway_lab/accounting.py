"""Whose a process is: told by its cgroup in the hierarchy that counts processes, alike inside the lab and outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from shipway_lab import cgroups
from shipway_lab.nodes import NODES, PODS

INSIDE: Final = Path("/sys/fs/cgroup/pids")
"""Root of that hierarchy as the lab's own processes see it."""
LAB: Final = "lab"
_PARTS = "parts"
_MACHINES: Final = {node.machine: node for node in NODES if node.machine}


def group(part: str, machine: str | None) -> Path:
    """The cgroup of a part's processes, seen from inside."""
    return (INSIDE / machine if machine else INSIDE) / _PARTS / part


def owners(root: Path) -> Iterator[tuple[int, str]]:
    """Every process below the lab's cgroup, with the part, the pods or the `lab` it belongs to."""
    for pid, folder in cgroups.processes(root):
        yield pid, owner(folder.relative_to(root).parts)


def owner(below: Sequence[str]) -> str:
    """Whose the processes of a cgroup are, by its path below the lab's."""
    node = _MACHINES.get(below[0]) if below else None
    if node:
        below = below[1:]
    if len(below) > 1 and below[0] == _PARTS:
        return below[1]
    if below:
        return node.part(PODS) if node else PODS
    return node.name if node else LAB
