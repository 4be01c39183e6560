"""KServe, the kubelet, the gateway, the predictors and the people who ask, for stories about a release.

The predictors are real HTTP servers on loopback addresses, so the operator really reads their counters.
"""

import asyncio
import contextlib
import itertools
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from harness.builders import model, model_version, serving_deployment
from harness.replay import World
from shipway.api import labels
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.errors import ApiError, NotFoundError
from shipway.kube.resource import (
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    MODEL,
    MODEL_VERSION,
    POD,
    SERVING_DEPLOYMENT,
    Object,
)

NAME = "ranker"
LOOK_SECONDS = 0.03
ANSWERS_PER_SECOND = 600.0
_addresses = itertools.count(2)
_NETWORK = 10 + os.getpid() % 240
"""Two runs on one machine do not meet."""

STEPS = [{"setWeight": 20}, {"pause": {"seconds": 1}}, {"setWeight": 60}, {"pause": {"seconds": 1}}]
GATES = [{"name": "errors", "type": "ErrorRate", "margin": "0.02", "minSamples": 20}]


class Cluster:
    """Everyone but the operator and its users.

    Attributes:
        errors: Share of answers with status 5xx, by version.
        tenants: Share of the requests that bear a tenant's name as their slice, by tenant.
        errors_of: Share of a tenant's answers with status 5xx beyond those of all, by version and tenant.
        broken: Versions whose pods nobody starts: the real scheduler finds no node, since there is none.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.errors: dict[str, float] = defaultdict(float)
        self.tenants: dict[str, float] = {}
        self.errors_of: dict[tuple[str, str], float] = defaultdict(float)
        self.broken: set[str] = set()
        self._predictors: dict[str, Predictor] = {}
        self._stack = contextlib.AsyncExitStack()

    async def run(self) -> None:
        async with self._stack:
            last = time.monotonic()
            while True:
                with contextlib.suppress(ApiError):
                    services = await self.world.list(INFERENCE_SERVICE)
                    await self._kserve(services)
                    route = await self.world.find(HTTP_ROUTE, NAME)
                    await self._gateway(route)
                    now = time.monotonic()
                    self._ask(route, services, now - last)
                    last = now
                await asyncio.sleep(LOOK_SECONDS)

    async def _kserve(self, services: list[Object]) -> None:
        pods = {pod["metadata"]["labels"][POD_LABEL]: pod for pod in await self.world.list(POD, POD_LABEL)}
        for service in services:
            name = service["metadata"]["name"]
            if name not in pods:
                await self._start(service)
            elif service.get("status", {}).get("conditions") is None and self._version(service) not in self.broken:
                now = "2026-01-01T00:00:00Z"
                ready = {"type": "PredictorReady", "status": "True", "lastTransitionTime": now}
                await self.world.set_status(INFERENCE_SERVICE, name, {"conditions": [ready]})
        for name, pod in pods.items():
            if name not in {service["metadata"]["name"] for service in services}:
                await self.world.delete(POD, pod["metadata"]["name"])
                self._predictors.pop(name, None)

    async def _start(self, service: Object) -> None:
        name = service["metadata"]["name"]
        marks = {**service["metadata"]["labels"], POD_LABEL: name}
        marks.pop("networking.kserve.io/visibility")
        spec = {
            "restartPolicy": "Always",
            "securityContext": service["spec"]["predictor"]["securityContext"],
            "containers": [
                {
                    "name": "kserve-container",
                    "image": "predictor",
                    "securityContext": service["spec"]["predictor"]["model"]["securityContext"],
                }
            ],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"{name}-predictor-0", "labels": marks}}
        await self.world.create(POD, {**body, "spec": spec})
        if self._version(service) in self.broken:
            return
        predictor = self._predictors[name] = Predictor()
        await self._stack.enter_async_context(predictor.serving())
        ready = {"type": "Ready", "status": "True"}
        address = {"podIP": predictor.address, "podIPs": [{"ip": predictor.address}]}
        await self.world.set_status(POD, f"{name}-predictor-0", {"phase": "Running", "conditions": [ready], **address})

    async def _gateway(self, route: Object | None) -> None:
        if route is None:
            return
        generation, now = route["metadata"]["generation"], "2026-01-01T00:00:00Z"
        seen = [c["observedGeneration"] for p in route.get("status", {}).get("parents", []) for c in p["conditions"]]
        if seen and min(seen) >= generation:
            return
        conditions = [
            {"type": kind, "status": "True", "reason": kind, "message": "", "observedGeneration": generation}
            | {"lastTransitionTime": now}
            for kind in ("Accepted", "ResolvedRefs")
        ]
        parent = route["spec"]["parentRefs"][0]
        parents = [{"parentRef": parent, "controllerName": "test/gateway", "conditions": conditions}]
        await self.world.set_status(HTTP_ROUTE, NAME, {"parents": parents})

    def _ask(self, route: Object | None, services: list[Object], seconds: float) -> None:
        weights = shares(route) | dict.fromkeys(mirrors(route), 100)
        for service in services:
            name = service["metadata"]["name"]
            predictor, share = self._predictors.get(name), weights.get(name, 0)
            if predictor is not None and share:
                version, answers = self._version(service), ANSWERS_PER_SECOND * seconds * share / 100
                errors = self.errors[version]
                predictor.answer(answers, errors)
                for tenant, part in self.tenants.items():
                    predictor.answer_tenant(tenant, answers * part, errors, self.errors_of[version, tenant])

    def _version(self, service: Object) -> str:
        return str(service["metadata"]["labels"][labels.VERSION])


class Predictor:
    """The counters of a predictor, served where a pod's would be."""

    def __init__(self) -> None:
        number = next(_addresses)
        self.address = f"127.{_NETWORK}.{number // 250 % 240}.{number % 250 + 1}"
        self._started = time.time()
        self._requests = self._errors = 0.0
        self._tenants: dict[str, tuple[float, float]] = {}

    def answer(self, answers: float, error_share: float) -> None:
        self._requests += answers
        self._errors += answers * error_share

    def answer_tenant(self, tenant: str, answers: float, error_share: float, beyond: float) -> None:
        """Some of the answers above are to one tenant, and more of those fail."""
        requests, errors = self._tenants.get(tenant, (0.0, 0.0))
        self._tenants[tenant] = requests + answers, errors + answers * (error_share + beyond)
        self._errors += answers * beyond

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get("/counters", self._counters)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.address, 8090).start()
            yield
        finally:
            await runner.cleanup()

    async def _counters(self, _: web.Request) -> web.Response:
        slices = {tenant: _answered(*counts) for tenant, counts in self._tenants.items()}
        totals = _answered(self._requests, self._errors)
        return web.json_response({"schema": 3, "startedAt": self._started, **totals, "slices": slices})


def _answered(requests: float, errors: float) -> dict[str, Any]:
    counts = [0] * 40
    counts[10] = int(requests)
    return {
        "requests": int(requests),
        "errors": min(int(errors), int(requests)),
        "latency": {"firstBound": 0.001, "ratio": 1.25, "counts": counts},
    }


@asynccontextmanager
async def playing(world: World, cluster: Cluster | None = None) -> AsyncIterator[Cluster]:
    """Everyone plays while the story is told."""
    cluster = cluster or Cluster(world)
    task = asyncio.create_task(cluster.run())
    try:
        yield cluster
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def publish(world: World, *versions: str) -> None:
    """A model with verified versions."""
    with contextlib.suppress(ApiError):
        await world.create(MODEL, model())
    for version in versions:
        digest = "sha256:" + version[-1] * 64
        await world.create(MODEL_VERSION, model_version(version, digest=digest))
    for version in versions:
        await verify(world, f"ranker-{version}", "sha256:" + version[-1] * 64)


async def verify(world: World, name: str, digest: str) -> None:
    """The verify pod of a version finds the digest it should."""
    import json

    from harness.builders import pod_status

    async def look() -> object:
        await world.set_status(POD, f"{name}-verify", pod_status("Succeeded", message=json.dumps({"digest": digest})))
        return True

    async def done() -> object:
        with contextlib.suppress(NotFoundError):
            await look()
        obj = await world.get(MODEL_VERSION, name)
        return any(c["type"] == "Ready" and c["status"] == "True" for c in obj.get("status", {}).get("conditions", []))

    await world.eventually(done, what=f"{name} is verified")


async def deploy(world: World, version: str = "v1", **rollout: Any) -> None:
    """A ServingDeployment of the model."""
    spec: dict[str, Any] = {
        "model": "ranker",
        "version": version,
        "host": "ranker.example.com",
        "gateway": {"name": "gw", "namespace": "infra"},
        "rollout": {"steps": STEPS, "gates": GATES, "bakeSeconds": 1} | rollout,
    }
    await world.create(SERVING_DEPLOYMENT, serving_deployment(NAME, **spec))


async def release(world: World, version: str) -> None:
    """Ask for a version."""
    await world.patch(SERVING_DEPLOYMENT, NAME, {"spec": {"version": version}})


async def act(world: World, verb: str, id_: str) -> None:
    """Ask for a verb."""
    notes = {labels.ACTION: verb, labels.ACTION_ID: id_, labels.ACTION_REASON: "because"}
    await world.patch(SERVING_DEPLOYMENT, NAME, {"metadata": {"annotations": notes}})


async def status(world: World) -> Object:
    """The status of the deployment."""
    return dict((await world.get(SERVING_DEPLOYMENT, NAME)).get("status", {}))


async def serves(world: World, version: str, *, within: float = 30.0) -> None:
    """Wait until a version is trusted and has all the traffic."""

    async def look() -> object:
        told = await status(world)
        ready = [c["status"] for c in told.get("conditions", []) if c["type"] == "Ready"]
        assert told.get("stable", {}).get("version") == version, told.get("summary")
        assert ready == ["True"], told.get("summary")
        return True

    await world.eventually(look, what=f"{version} serves", within=within)


async def exposed(world: World, version: str) -> None:
    """Wait until a version has traffic and the status says so: the route is written before it is read back."""

    async def look() -> object:
        rollout = (await status(world)).get("rollout", {})
        return rollout.get("version") == version and any(step.get("weight") for step in rollout.get("history", []))

    await world.eventually(look, what=f"{version} has traffic")


async def gone(world: World, version: str) -> None:
    """Wait until the InferenceService of a version is deleted."""

    async def look() -> object:
        services = await world.list(INFERENCE_SERVICE, f"{labels.VERSION}={version}")
        return not services

    await world.eventually(look, what=f"{version} is deleted")


def shares(route: Object | None) -> dict[str, int]:
    """Weights by InferenceService."""
    refs = route["spec"]["rules"][0]["backendRefs"] if route else []
    return {ref["name"].removesuffix("-predictor"): ref["weight"] for ref in refs}


def mirrors(route: Object | None) -> list[str]:
    """The InferenceServices that get a copy of every request."""
    filters = route["spec"]["rules"][0].get("filters", []) if route else []
    names = [str(found["requestMirror"]["backendRef"]["name"]) for found in filters]
    return [name.removesuffix("-predictor") for name in names]


async def share(world: World, version: str) -> int:
    """The weight of a version on the route."""
    weights = shares(await world.find(HTTP_ROUTE, NAME))
    return sum(weight for name, weight in weights.items() if name.startswith(f"{NAME}-{version}-"))
