"""Releases under way in a few of many ServingDeployments: what it costs to read and judge them."""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web
from burst import burst
from cluster import Cluster
from needs import provide
from players import Answer, Player, playing
from serving import SERVING_DEPLOYMENTS, VERSION
from subject import Need

from benchmarks.releases.scenarios import AT_TEN, GATES
from harness.builders import model_version
from harness.lab import OPERATOR_USER
from harness.waiting import eventually
from shipway.api import labels
from shipway.integrations.counter_reader import PATH, PORT
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.client import Client
from shipway.kube.resource import MODEL_VERSION, POD, SERVING_DEPLOYMENT, Object

RELEASING = 50
OBJECTS = 1000
SECONDS = 60.0
SETTLE_SECONDS = 10.0
((WEIGHT, _),) = AT_TEN.steps
REQUESTS_PER_SECOND = 100.0
ERRORS = 0.01
"""Of both versions: every gate has something to weigh, and none has a reason to fail."""
NEXT = "v2"


async def rollouts(cluster: Cluster) -> dict[str, Any]:
    """Cores of the operator, and of the API server, while so many releases are in their first step.

    Raises:
        AssertionError: a release did not begin, or was not in its first step any more when the time was over.
    """
    names = [
        (cluster.namespaces[i % len(cluster.namespaces)], f"{SERVING_DEPLOYMENTS.name}-{i:05}")
        for i in range(RELEASING)
    ]
    assert SERVING_DEPLOYMENTS.prepare is not None
    await SERVING_DEPLOYMENTS.prepare(cluster.lab)
    async with AsyncExitStack() as stack:
        predictors = await stack.enter_async_context(_predictors(2 * RELEASING))
        move = Player(POD, POD_LABEL, predictors.move({name for _, name in names}))
        await stack.enter_async_context(playing(cluster.client, (*SERVING_DEPLOYMENTS.players, move)))
        await stack.enter_async_context(cluster.operator())
        await burst(cluster, SERVING_DEPLOYMENTS, OBJECTS)
        await _release(cluster, names)
        before, since, asked, start = cluster.meter.read(), time.time(), predictors.asked, time.monotonic()
        await asyncio.sleep(SECONDS)
        seconds = time.monotonic() - start
        spent = cluster.meter.read().since(before)
        writes = len(cluster.lab.audit.writes(since, user=OPERATOR_USER))
        late = [where for where in names if not await _is_judged(cluster.client, where)]
        assert not late, f"not in their first step any more: {late[:5]}"
    return {
        "objects": OBJECTS,
        "rollouts": RELEASING,
        "cores": round(spent["operator"] / seconds, 3),
        "apiserver_cores": round(spent["apiserver"] / seconds, 3),
        "reads_per_second": round((predictors.asked - asked) / seconds, 1),
        "writes_per_second": round(writes / seconds, 2),
    }


async def _release(cluster: Cluster, names: list[tuple[str, str]]) -> None:
    versions = [model_version(NEXT, model=name, namespace=namespace) for namespace, name in names]
    await provide(cluster.client, [Need(MODEL_VERSION, version, "Ready") for version in versions], within=120)
    for namespace, name in names:
        patch = {"spec": {"version": NEXT, "rollout": AT_TEN.ours()}}
        await cluster.client.merge_patch(SERVING_DEPLOYMENT, namespace, name, patch)

    async def judged() -> bool:
        return all([await _is_judged(cluster.client, where) for where in names])

    await eventually(judged, within=180, every=2, what=f"{len(names)} releases are judged at {WEIGHT} %")
    await asyncio.sleep(SETTLE_SECONDS)


async def _is_judged(client: Client, where: tuple[str, str]) -> bool:
    rollout = (await client.get(SERVING_DEPLOYMENT, *where)).get("status", {}).get("rollout", {})
    verdicts = [gate["verdict"] for gate in rollout.get("gates", ())]
    return (
        rollout.get("weights", {}).get("observed") == WEIGHT and len(verdicts) == len(GATES) and "Error" not in verdicts
    )


class Predictors:
    """Counters of many pods, each at a loopback address of its own: they grow with time, whoever reads them.

    Attributes:
        asked: How often they were read.
    """

    def __init__(self, addresses: list[str]) -> None:
        self.asked = 0
        self._free = iter(addresses)
        self._pods: dict[str, tuple[float, float]] = {}

    def move(self, names: Collection[str]) -> Answer:
        """Who gives the pods of these ServingDeployments their addresses; in no cluster could they be reached else."""

        def answer(client: Client, pod: Object) -> Awaitable[object] | None:
            meta, address = pod["metadata"], pod.get("status", {}).get("podIP", "")
            if meta["labels"].get(labels.NAME) not in names or not address or address.startswith("127."):
                return None
            mine = next(self._free)
            share = WEIGHT if meta["labels"][labels.VERSION] != VERSION else 100 - WEIGHT
            self._pods[mine] = time.time(), REQUESTS_PER_SECOND * share / 100
            status = {"podIP": mine, "podIPs": [{"ip": mine}]}
            return client.merge_patch_status(POD, meta["namespace"], meta["name"], status)

        return answer

    async def counters(self, request: web.Request) -> web.Response:
        """Of the pod at the address that was asked."""
        self.asked += 1
        started, rate = self._pods[request.host.partition(":")[0]]
        requests = int(rate * (time.time() - started))
        counts = [0] * 40
        counts[10] = requests
        latency = {"firstBound": 0.001, "ratio": 1.25, "counts": counts}
        errors = int(requests * ERRORS)
        body = {"schema": 1, "startedAt": started, "requests": requests, "errors": errors, "latency": latency}
        return web.json_response(body)


@asynccontextmanager
async def _predictors(number: int) -> AsyncIterator[Predictors]:
    network = 10 + os.getpid() % 240  # two runs on one machine do not meet
    addresses = [
        f"127.{network}.{a}.{b}" for a, b in itertools.islice(itertools.product(range(250), range(1, 250)), number)
    ]
    predictors, app = Predictors(addresses), web.Application()
    app.router.add_get(PATH, predictors.counters)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        for address in addresses:
            await web.TCPSite(runner, address, PORT).start()
        yield predictors
    finally:
        await runner.cleanup()
