"""The cluster the story plays on, as a person with kubectl and helm would use it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import helm_python as helm
import yaml

from shipway.api import labels
from shipway.kube.client import Client
from shipway.kube.credentials import Connection, from_kubeconfig
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import EVENT, HTTP_ROUTE, INCIDENT, OWN, POD, Key, Object, Resource
from shipway_lab import secret

SYSTEM = "shipway-system"
RELEASE = "shipway"
OPERATOR_SELECTOR = "app.kubernetes.io/name=shipway-operator"
PREDICTOR = "serving.kserve.io/inferenceservice"
_EXAMPLES = (
    Resource("", "v1", "namespaces", "Namespace", namespaced=False),
    Resource("", "v1", "secrets", "Secret"),
    Resource("", "v1", "serviceaccounts", "ServiceAccount"),
)
RESOURCES: dict[str, Resource] = {r.kind: r for r in (*_EXAMPLES, HTTP_ROUTE, INCIDENT, POD)} | OWN


@dataclass(frozen=True)
class Lab:
    """What `shipway lab status -o json` says."""

    kubeconfig: Path
    gateway: str
    audit_log: Path
    pss_mib: float
    s3: dict[str, str]

    @classmethod
    def parse(cls, status: dict[str, Any]) -> "Lab":
        """From the JSON."""
        return cls(
            kubeconfig=Path(status["kubeconfig"]),
            gateway=status["gateway"],
            audit_log=Path(status["audit_log"]),
            pss_mib=float(status["pss_mib"]),
            s3=status["s3"],
        )


class Cluster:
    """Applies, reads and kills."""

    def __init__(self, lab: Lab, connection: Connection, client: Client, http: aiohttp.ClientSession) -> None:
        self._lab = lab
        self._server = connection.server
        self._ssl = connection.ssl_context()
        self._client = client
        self._http = http

    @classmethod
    @asynccontextmanager
    async def connect(cls, lab: Lab) -> AsyncIterator["Cluster"]:
        """A connection as the lab's administrator."""
        connection = from_kubeconfig(lab.kubeconfig)
        async with Client.connect(connection) as client, aiohttp.ClientSession() as http:
            yield cls(lab, connection, client, http)

    @property
    def gateway(self) -> str:
        """URL of the gateway."""
        return self._lab.gateway

    @property
    def audit_log(self) -> Path:
        """The API server's audit log."""
        return self._lab.audit_log

    async def install(self, chart: Path) -> None:
        """Installs the chart into a namespace that admits restricted pods only, and waits until it is ready."""
        level = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM, "labels": level}}
        await self._client.apply(RESOURCES["Namespace"], namespace)
        await asyncio.to_thread(self._helm_install, chart)

    def _helm_install(self, chart: Path) -> None:
        with helm.Config(kubeconfig_path=self._lab.kubeconfig, namespace=SYSTEM) as config:
            config.install(str(chart), RELEASE, {}, namespace=SYSTEM, wait="watcher", timeout=120)

    async def apply(self, file: Path) -> list[Key]:
        """`kubectl apply --server-side -f`: every object of the file."""
        applied = []
        for document in yaml.safe_load_all(await asyncio.to_thread(file.read_text)):
            await self._client.apply(RESOURCES[document["kind"]], document)
            meta = document["metadata"]
            applied.append(Key(document["kind"], meta.get("namespace", ""), meta["name"]))
        return applied

    async def give_credentials(self, namespace: str) -> None:
        """`shipway lab secret NAMESPACE | kubectl apply -f -`."""
        await self._client.apply(RESOURCES["Secret"], yaml.safe_load(secret.manifest(self._lab.s3, namespace)))

    async def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object, if it is there."""
        try:
            return await self._client.get(RESOURCES[kind], namespace, name)
        except NotFoundError:
            return None

    async def pod_of_rank(self, namespace: str, job: str, rank: int) -> str:
        """The running pod of a rank of a TrainingJob."""
        selector = f"{labels.KIND}=TrainingJob,{labels.NAME}={job},{labels.RANK}={rank}"
        pods = (await self._client.list(POD, namespace, selector=selector)).items
        running = [p["metadata"]["name"] for p in pods if p["status"].get("phase") == "Running"]
        return str(running[0])

    async def kill_pod(self, namespace: str, name: str) -> None:
        """`kubectl delete pod --grace-period=0 --force`."""
        await self._client.delete(POD, namespace, name, grace_seconds=0)

    async def kill_operator(self) -> None:
        """Kills the operator's pods without notice."""
        for pod in await self._operator_pods():
            await self.kill_pod(SYSTEM, pod["metadata"]["name"])

    async def pods_of_version(self, namespace: str, inference_service: str) -> set[tuple[str, int]]:
        """Uid and restart count of every pod of an InferenceService."""
        pods = (await self._client.list(POD, namespace, selector=f"{PREDICTOR}={inference_service}")).items
        return {(p["metadata"]["uid"], _restarts(p)) for p in pods}

    async def operator_rss_mib(self) -> float | None:
        """Resident memory of the operator, as the kernel counts it."""
        for pod in await self._operator_pods():
            for line in (await self._exec(pod["metadata"]["name"], "cat", "/proc/1/status")).splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
        return None

    async def secrets_said(self, namespace: str) -> int:
        """How often the store's secret key stands in the operator's log, in an Event or in a status of our kinds."""
        said = [await self._log(pod["metadata"]["name"]) for pod in await self._operator_pods()]
        said += [json.dumps(event) for event in (await self._client.list(EVENT, namespace)).items]
        for resource in OWN.values():
            said += [json.dumps(obj.get("status")) for obj in (await self._client.list(resource, namespace)).items]
        return "\n".join(said).count(self._lab.s3["secret_key"])

    async def _log(self, pod: str) -> str:
        async with self._http.get(f"{self._server}{POD.path(SYSTEM, pod, 'log')}", ssl=self._ssl) as response:
            response.raise_for_status()
            return await response.text()

    async def _exec(self, pod: str, *command: str) -> str:
        """What a command in the operator's pod prints, as `kubectl exec` does it; nothing where it cannot be run."""
        url = f"{self._server}{POD.path(SYSTEM, pod, 'exec')}"
        params = [("stdout", "true"), *(("command", word) for word in command)]
        try:
            async with self._http.ws_connect(
                url, params=params, ssl=self._ssl, protocols=["v4.channel.k8s.io"]
            ) as channel:
                output = [
                    m.data[1:] async for m in channel if m.type is aiohttp.WSMsgType.BINARY and m.data[:1] == b"\1"
                ]
        except aiohttp.ClientError:
            return ""
        return b"".join(output).decode()

    async def first_answer(self, host: str, model: str, instance: dict[str, Any], *, seconds: float) -> float:
        """Waits until the model answers through the gateway; returns how long that took."""
        began = time.monotonic()
        url = f"{self.gateway}/v1/models/{model}:predict"
        while True:
            async with self._http.post(url, json={"instances": [instance]}, headers={"Host": host}) as response:
                if response.status == 200:
                    return time.monotonic() - began
                body = (await response.text())[:200]
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"{host} still answers {response.status} after {seconds:.0f} s: {body}")
            await asyncio.sleep(0.1)

    async def _operator_pods(self) -> list[Object]:
        return (await self._client.list(POD, SYSTEM, selector=OPERATOR_SELECTOR)).items


def _restarts(pod: Object) -> int:
    return sum(c.get("restartCount", 0) for c in pod.get("status", {}).get("containerStatuses", []))
