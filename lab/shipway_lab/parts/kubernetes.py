"""The one binary that holds every Kubernetes component, and how it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shipway_lab.artifacts.golang import GoBinary
from shipway_lab.lab import Lab
from shipway_lab.nodes import FIRST, Node

VERSION: Final = "1.36.3"
_MAJOR, _MINOR, _ = VERSION.split(".")
# Without these /version says v0.0.0, and operators that look at it misjudge the cluster. No clock: links stay cached.
_VERSION_VARIABLES = tuple(
    (f"{package}.{variable}", value)
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable, value in (
        ("gitVersion", f"v{VERSION}"),
        ("gitMajor", _MAJOR),
        ("gitMinor", _MINOR),
        ("gitTreeState", "clean"),
        ("buildDate", "2026-01-01T00:00:00Z"),
    )
)
HK: Final = GoBinary("hk", "kube", "./cmd/hk", _VERSION_VARIABLES, usual_seconds=290)


def start(lab: Lab, part: str, component: str, arguments: Sequence[str | Path], *, node: Node = FIRST) -> None:
    """Start a Kubernetes component as a process of `part`, on a node's machine."""
    command = [lab.artifact(HK.name), component, *arguments]
    lab.processes.start(part, node.part(component), command, machine=node.machine)
