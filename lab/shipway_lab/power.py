"""Nodes switched off, on again, or held still: wished for from outside, done by the supervisor inside.

Kubernetes is not asked and not told, as when a machine loses its power or hangs. It finds out by itself: after 16 s
without a sign of life a node counts as not ready.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from shipway_lab import accounting, jsonfile, keeper
from shipway_lab.errors import LabError
from shipway_lab.nodes import Node, NodeState, with_parts
from shipway_lab.paths import LabPaths
from shipway_lab.spec import LabSpec

_SWITCH_SECONDS = 120.0
_KILL_SECONDS = 20.0
_POLL_SECONDS = 0.05


def switch(name: str, node: str, state: NodeState) -> None:
    """Bring a node of a running lab into a state and return when it is in it; RUNNING includes ready, from STOPPED.

    Raises:
        LabError: There is no such lab or node, it cannot get there from where it is, or the lab ended meanwhile.
    """
    paths = LabPaths.of(name)
    if not keeper.alive(paths):
        raise LabError(f"lab {name} is not up")
    known_node(paths, node)
    if state is NodeState.PAUSED and _current(paths, node) is NodeState.STOPPED:
        raise LabError(f"{node} is stopped, so there is nothing to pause: `node start {node}` first")
    paths.power.mkdir(exist_ok=True)
    jsonfile.write(paths.power / node, state)
    deadline = time.monotonic() + _SWITCH_SECONDS
    while _current(paths, node) is not state:
        if not keeper.alive(paths):
            raise LabError(f"lab {name} ended meanwhile; see {paths.logs}/keeper.log")
        if time.monotonic() > deadline:
            raise LabError(f"{node} is not {state} after {_SWITCH_SECONDS:.0f} s; see `logs {node}-kubelet`")
        time.sleep(_POLL_SECONDS)


def known_node(paths: LabPaths, name: str) -> Node:
    """The lab's node of that name.

    Raises:
        LabError: It has none; the message says which it has.
    """
    spec = LabSpec.load(paths.spec)
    nodes = {node.name: node for node in with_parts(spec.parts if spec else ())}
    if name not in nodes:
        raise LabError(f"lab {paths.root.name} has no node {name!r}; it has {', '.join(nodes) or 'none'}")
    return nodes[name]


def states(paths: LabPaths, spec: LabSpec) -> dict[str, NodeState]:
    """State of each node, as the supervisor last reported it."""
    return {node.name: _current(paths, node.name) for node in with_parts(spec.parts)}


def wished(paths: LabPaths, node: Node) -> NodeState:
    """What somebody wants the node to be."""
    return NodeState(jsonfile.read(paths.power / node.name) or NodeState.RUNNING)


def kill(node: Node) -> None:
    """End every process of a node at once. Called inside the lab, when nothing starts new ones any more.

    Raises:
        LabError: Some are still there after 20 s.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while living := send(node, signal.SIGKILL):
        if time.monotonic() > deadline:
            raise LabError(f"{node.name}: processes {living} did not end within {_KILL_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def send(node: Node, number: signal.Signals) -> list[int]:
    """Send a signal to every process of a node, pods included. Called inside the lab.

    Returns:
        The processes that were there.
    """
    # No frozen cgroup: frozen processes cannot even be killed, so a lab could not end.
    mine = [pid for pid, owner in accounting.owners(accounting.INSIDE) if owner in node.owners()]
    for pid in mine:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return mine


def _current(paths: LabPaths, node: str) -> NodeState:
    report = jsonfile.read(paths.progress) or {}
    return NodeState(report.get("nodes", {}).get(node, NodeState.RUNNING))
