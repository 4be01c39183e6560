"""Where releases are measured: one lab for all runs, with our chart in it, and what every contestant needs there."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from benchmarks.releases import lean, unreliable, versions
from benchmarks.releases.scenarios import Ending, Plan
from benchmarks.releases.versions import Version
from harness.audit import WRITES, AuditLog
from shipway.kube import credentials
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import HTTP_ROUTE, Object, Resource
from shipway_demo.cluster import Cluster, Lab
from shipway_lab import secret

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
CONFIG_MAP = Resource("", "v1", "configmaps", "ConfigMap")
SECRET = Resource("", "v1", "secrets", "Secret")
PROGRAM = "predictor-program"
"""ConfigMap with the predictors."""
FOLDER = "/program"
_FILES = (Path(unreliable.__file__), Path(lean.__file__))
COMMAND, LEAN_COMMAND = (["python", f"{FOLDER}/{file.name}"] for file in _FILES)
GATEWAY = {"name": "shipway", "namespace": "projectcontour"}


class Contestant(Protocol):
    """Who releases versions behind a host."""

    name: str
    host: str
    namespace: str

    async def begin(self, version: Version, plan: Plan) -> None:
        """Ask for the version."""
        ...

    async def ended(self, version: Version) -> Ending | None:
        """How its release ended; None as long as it is on."""
        ...

    async def settle(self, version: Version, *, within: float) -> None:
        """Make this the one version that answers, and wait until nothing else is left."""
        ...


@dataclass(frozen=True)
class Stage:
    """A running lab with our operator in it.

    Attributes:
        name: The lab's.
        client: As administrator.
        cluster: Installs and kills.
        audit_log: Every write to the API; the server begins a new file beside it at 100 MB.
        s3: What the lab's status says of the object store.
    """

    name: str
    client: Client
    cluster: Cluster
    audit_log: Path
    s3: dict[str, str]

    async def tenant(self, name: str) -> None:
        """A namespace with credentials for the object store and the predictors."""
        level = {"pod-security.kubernetes.io/enforce": "restricted"}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}}
        await self.client.apply(NAMESPACE, body)
        await self.client.apply(SECRET, yaml.safe_load(secret.manifest(self.s3, name)))
        files = await asyncio.to_thread(lambda: {file.name: file.read_text() for file in _FILES})
        await self.client.apply(CONFIG_MAP, named(CONFIG_MAP, name, PROGRAM, data=files))

    async def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """An object, if it is there."""
        try:
            return await self.client.get(resource, namespace, name)
        except NotFoundError:
            return None

    def route_writes(self, namespace: str, *, since: float) -> list[float]:
        """When routes of a namespace were written, Unix seconds."""
        return [
            entry.time
            for file in self.audit_log.parent.glob(f"{self.audit_log.stem}*{self.audit_log.suffix}")
            if file.stat().st_mtime >= since
            for entry in AuditLog(file).entries()
            if entry.time >= since
            and entry.verb in WRITES
            and entry.resource == HTTP_ROUTE.plural
            and entry.namespace == namespace
        ]


@asynccontextmanager
async def stage(name: str, *, parts: tuple[str, ...] = ()) -> AsyncIterator[Stage]:
    """Start the lab and install our chart; end it afterwards.

    Args:
        name: Of the lab.
        parts: Beside KServe, the gateway and the object store.
    """
    try:
        await asyncio.to_thread(_lab, "up", "--with", ",".join(("demo", *parts)), "--name", name)
        status: dict[str, Any] = json.loads(await asyncio.to_thread(_lab, "status", "--name", name, "-o", "json"))
        versions.use_store(status["s3"])
        lab = Lab.parse(status)
        async with (
            Cluster.connect(lab) as cluster,
            Client.connect(credentials.from_kubeconfig(lab.kubeconfig), agent="release-bench") as client,
        ):
            await cluster.install(ROOT / "charts" / "shipway")
            yield Stage(name, client, cluster, lab.audit_log, status["s3"])
    finally:
        await asyncio.to_thread(_lab, "down", "--name", name)


def named(resource: Resource, namespace: str, name: str, **fields: Any) -> Object:
    """An object of a resource."""
    metadata = {"name": name, **({"namespace": namespace} if resource.namespaced else {})}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}


async def until(holds: Callable[[], Awaitable[bool]], *, within: float, what: str) -> None:
    """Look four times a second until it holds.

    Raises:
        TimeoutError: it does not within so many seconds.
    """
    deadline = time.monotonic() + within
    while not await holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within:.0f} s: {what}")
        await asyncio.sleep(0.25)


def _lab(*arguments: str) -> str:
    command = [sys.executable, "-m", "shipway_lab", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}")
    return done.stdout
