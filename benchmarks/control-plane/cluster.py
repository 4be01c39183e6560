"""The cluster under load: the lab's control plane, nodes that exist only as objects, many namespaces, our operator."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from meter import Meter

from harness.lab import NAMESPACE, ROOT, Lab, prepare
from harness.namespaces import SERVICE_ACCOUNT
from harness.process import OperatorProcess, operator_process
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.resource import Resource
from shipway_lab import cgroups
from shipway_lab.artifacts.cache import Cache
from shipway_lab.artifacts.progress import Progress
from shipway_lab.images import OPERATOR
from shipway_lab.paths import cache_home

NODE = Resource("", "v1", "nodes", "Node", namespaced=False)
NODES = 50
PODS_PER_NODE = 1000
SENDERS = 16
_COMPILED = {"PYTHONPATH": str(ROOT / "operator"), "PYTHONDONTWRITEBYTECODE": ""}
"""An image brings its sources compiled; here the first operator compiles them."""


@dataclass(frozen=True)
class Cluster:
    """A running lab, prepared for the benchmark."""

    lab: Lab
    client: Client
    meter: Meter
    namespaces: tuple[str, ...]

    @asynccontextmanager
    async def operator(self, *, namespaces: Sequence[str] = ()) -> AsyncIterator[OperatorProcess]:
        """Our operator as a process; its time is on the meter.

        Args:
            namespaces: Where it works; everywhere when empty, and then with a Lease as in production.
        """
        with tempfile.TemporaryDirectory() as folder:
            settings = {"SHIPWAY_LEASE": "" if namespaces else "shipway-operator", "SHIPWAY_LOG_FORMAT": "json"}
            as_in_its_image = {"python": str(_environment() / "bin" / "python"), **_COMPILED}
            async with operator_process(
                self.lab, Path(folder), namespaces=list(namespaces), **as_in_its_image, **settings
            ) as process:
                self.meter.operators.append(process.pid)
                try:
                    yield process
                finally:
                    self.meter.operators.remove(process.pid)
                    if process.running:
                        await process.terminate()


@asynccontextmanager
async def cluster(name: str, *, namespaces: int, parts: tuple[str, ...] = ()) -> AsyncIterator[Cluster]:
    """Start a lab of its own, end it afterwards.

    Args:
        name: Of the lab.
        namespaces: How many tenants there are.
        parts: Further parts of the lab, such as other operators.
    """
    _lab("up", "--no-node", "--with", ",".join(("kwok", *parts)), "--fake-nodes", "0", "--name", name)
    try:
        status = json.loads(_lab("status", "--name", name, "-o", "json"))
        keeper = Path(status["state"]) / "keeper.json"
        _share_processor_time(keeper)
        lab = await prepare(Path(status["kubeconfig"]), Path(status["audit_log"]))
        async with Client.connect(lab.admin) as client:
            names = tuple(f"tenant-{number:03}" for number in range(namespaces))
            await in_parallel([_make_node(client, number) for number in range(NODES)])
            await in_parallel([_make_namespace(client, name) for name in names])
            await _nodes_ready(client)
            yield Cluster(lab, client, Meter(keeper), names)
    finally:
        _share_processor_time(None)
        _lab("down", "--name", name)


async def in_parallel(work: list[Any], *, senders: int = SENDERS) -> list[Any]:
    """Await all, so many at a time."""
    gate = asyncio.Semaphore(senders)

    async def one(coroutine: Any) -> Any:
        async with gate:
            return await coroutine

    return await asyncio.gather(*map(one, work))


async def _make_node(client: Client, number: int) -> None:
    name = f"node-{number:02}"
    capacity = {"cpu": "256", "memory": "2Ti", "pods": str(PODS_PER_NODE)}
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
        },
        "status": {"capacity": capacity, "allocatable": capacity},
    }
    await client.create(NODE, body)


async def _make_namespace(client: Client, name: str) -> None:
    await client.create(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    await eventually(lambda: client.get(SERVICE_ACCOUNT, name, "default"), within=60, what=f"account in {name}")


async def _nodes_ready(client: Client) -> None:
    async def ready() -> bool:
        nodes = (await client.list(NODE)).items
        states = [{c["type"]: c["status"] for c in node["status"].get("conditions", ())} for node in nodes]
        return all(state.get("Ready") == "True" for state in states)

    await eventually(ready, within=60, every=0.5, what=f"{NODES} nodes ready")


def _share_processor_time(keeper: Path | None) -> None:
    """Run this process, and our operator as its child, with the weight of the lab, or again with its own.

    A lab has eight times the weight of a process outside: the other operators run inside, so ours must too.
    """
    here = next(hierarchy.here for hierarchy in cgroups.hierarchies() if "cpu" in hierarchy.controllers.split(","))
    groups = [] if keeper is None else json.loads(keeper.read_text())["cgroups"]
    inside = next((Path(group) for group in groups if Path(group).parent == here), None)
    if keeper is None and here.name.startswith("shipway-lab-"):
        inside = here.parent
    if inside is not None:
        (inside / "cgroup.procs").write_text(str(os.getpid()))


def _lab(*arguments: str) -> str:
    command = [sys.executable, "-m", "shipway_lab", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@cache
def _environment() -> Path:
    """The operator's packages and no others, as in its image: kopf loads whatever client it finds beside it."""
    return Cache(cache_home()).ensure(OPERATOR.environment, Progress())
