"""The parts of the lab. A new one is a module here and a line in the registry."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from typing import Final

from shipway_lab.errors import LabError
from shipway_lab.nodes import COMPONENTS, NODES, Node
from shipway_lab.parts.alertmanager import Alertmanager
from shipway_lab.parts.argo_rollouts import ArgoRollouts
from shipway_lab.parts.base import Part
from shipway_lab.parts.containerd import Containerd
from shipway_lab.parts.contour import Contour
from shipway_lab.parts.control_plane import ApiServer, ControllerManager, Scheduler
from shipway_lab.parts.etcd import Etcd
from shipway_lab.parts.forwarder import Forwarder
from shipway_lab.parts.kserve import KServe
from shipway_lab.parts.kueue import Kueue
from shipway_lab.parts.kwok import Kwok
from shipway_lab.parts.node import CoreDns, Kubelet, KubeProxy, Machine
from shipway_lab.parts.peers import JobSet, KubeRay, Trainer
from shipway_lab.parts.prometheus import Prometheus
from shipway_lab.parts.s3 import S3

REGISTRY: Final[Mapping[str, Part]] = {
    part.name: part
    for part in (
        Forwarder(),
        Etcd(),
        ApiServer(),
        ControllerManager(),
        Scheduler(),
        CoreDns(),
        Contour(),
        KServe(),
        S3(),
        Kwok(),
        JobSet(),
        Trainer(),
        KubeRay(),
        Kueue(),
        Prometheus(),
        Alertmanager(),
        ArgoRollouts(),
        *(Machine(node) for node in NODES if node.machine),
        *(of_node(node) for node in NODES for of_node in (Containerd, Kubelet, KubeProxy)),
    )
}

CONTROL_PLANE: Final = ("forwarder", "etcd", "apiserver", "kcm", "scheduler")


def of_nodes(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Names of the parts that make these nodes, but for what they need."""
    parts = tuple(node.part(component) for node in nodes for component in COMPONENTS)
    return (*parts, "coredns") if parts else ()


_MACHINES: Final = tuple(node.machine for node in NODES if node.machine)
ADD_ONS: Final = tuple(name for name in REGISTRY if name not in (*CONTROL_PLANE, *of_nodes(NODES), *_MACHINES))
BUNDLES: Final[Mapping[str, tuple[str, ...]]] = {"demo": ("contour", "kserve", "s3")}


def resolve(wanted: Iterable[str], *, nodes: int) -> tuple[str, ...]:
    """The parts to start, each after those it needs.

    Args:
        wanted: Add-ons and bundles on top of the cluster itself.
        nodes: How many nodes of the cluster run pods.

    Raises:
        LabError: A name is no part, it needs a node and there is none, or there are too many nodes.
    """
    if not 0 <= nodes <= len(NODES):
        raise LabError(f"--nodes {nodes}: a lab has 0 to {len(NODES)} nodes; for more without machines use --with kwok")
    names = {*CONTROL_PLANE, *of_nodes(NODES[:nodes])}
    for word in wanted:
        names.update(BUNDLES.get(word, (word,)))
    graph: dict[str, tuple[str, ...]] = {}
    pending = sorted(names)
    while pending:
        name = pending.pop()
        if name not in REGISTRY:
            raise LabError(f"--with {name}: no such part; choose from {', '.join([*ADD_ONS, *BUNDLES])}")
        if name in of_nodes(NODES) and name not in of_nodes(NODES[:nodes]):
            raise LabError(f"{name} is part of a node: leave out --no-node, or leave out what needs it")
        if name not in graph:
            graph[name] = REGISTRY[name].needs
            pending += graph[name]
    return tuple(graphlib.TopologicalSorter(graph).static_order())
