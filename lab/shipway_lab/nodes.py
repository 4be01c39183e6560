"""The nodes of a lab: names, addresses, and what their parts are called."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

COMPONENTS: Final = ("containerd", "kubelet", "kube-proxy")
PODS: Final = "pods"


class NodeState(enum.StrEnum):
    """What a node's machine is doing, whatever Kubernetes thinks of it."""

    RUNNING = "Running"
    PAUSED = "Paused"
    STOPPED = "Stopped"


@dataclass(frozen=True)
class Node:
    """A node that runs pods.

    Attributes:
        index: Counted from 1. The first one shares its namespaces with the control plane; the others have their own.
    """

    index: int

    @property
    def name(self) -> str:
        """As Kubernetes knows it."""
        return f"node{self.index}"

    @property
    def ip(self) -> str:
        """From a block reserved for documentation, so that it meets no real network."""
        return f"198.51.100.{self.index + 1}"

    @property
    def pod_cidr(self) -> str:
        """Where its pods get their addresses from."""
        return f"10.244.{self.index - 1}.0/24"

    @property
    def machine(self) -> str | None:
        """Name of its own namespaces; None where it lives in those of the lab."""
        return None if self.index == 1 else self.name

    def part(self, component: str) -> str:
        """Name of a part of it: `kubelet` on the first node, `node2-kubelet` on the second."""
        return component if self.index == 1 else f"{self.name}-{component}"

    def owners(self) -> frozenset[str]:
        """To whom its processes are accounted: its parts and its pods."""
        return frozenset(self.part(component) for component in (*COMPONENTS, PODS))


NODES: Final = tuple(Node(index) for index in range(1, 6))
"""As many as a lab can have."""
FIRST: Final = NODES[0]


def with_parts(names: Iterable[str]) -> list[Node]:
    """The nodes that some of these parts belong to."""
    known = set(names)
    return [node for node in NODES if node.part("kubelet") in known]
