"""A cluster brought back from a backup, in mid-release and with trainings done and under way."""

import asyncio
import contextlib
import copy
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.builders import DIGEST, pod_status, training_job
from harness.clock import ShiftedClock
from harness.lab import OPERATOR_USER, Lab
from harness.replay import World, running
from integration.serving.players import GATES, deploy, playing, publish, release, serves, share, shares, verify
from integration.training.players import result
from shipway.kube.client import Client
from shipway.kube.errors import ApiError
from shipway.kube.resource import (
    HTTP_ROUTE,
    INCIDENT,
    INFERENCE_SERVICE,
    MODEL,
    MODEL_VERSION,
    OWN,
    POD,
    SERVING_DEPLOYMENT,
    TRAINING_JOB,
    Object,
)

pytestmark = pytest.mark.lab

STEPS = [{"setWeight": 20}, {"pause": {"seconds": 600}}, {"setWeight": 60}, {"pause": {"seconds": 1}}]
IN_ORDER = (HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE, MODEL, MODEL_VERSION, POD, SERVING_DEPLOYMENT, TRAINING_JOB)
"""As a backup tool brings them back: by name of the kind, which is no order at all."""


@pytest.fixture
def world(admin: Client, team: str) -> World:
    return World(admin, team, ShiftedClock())


async def in_mid_release(world: World, lab: Lab) -> None:
    """v2 has 20 % beside v1, one training has made its version, another one runs; the operator is gone then."""
    async with running(world, lab):
        await publish(world, "v1", "v2")
        await deploy(world, steps=STEPS, gates=GATES, bakeSeconds=1)
        await serves(world, "v1")
        await release(world, "v2")
        await _train(world)
        await world.eventually(lambda: _step_has_begun(world), what="the step of 20 % has begun")


async def _train(world: World) -> None:
    await world.create(TRAINING_JOB, training_job("done", nodes=1, output={"model": "ranker", "version": "t1"}))
    await world.create(TRAINING_JOB, training_job("going", nodes=1))
    await world.eventually(lambda: _finish(world, "done-1-0"), what="the training ends")
    await world.condition(TRAINING_JOB, "done", "Succeeded")
    await verify(world, "ranker-t1", DIGEST)
    await world.eventually(lambda: world.set_status(POD, "going-1-0", pod_status("Running")), what="the other one runs")
    await world.condition(TRAINING_JOB, "going", "Ready")


async def _finish(world: World, pod: str) -> object:
    return await world.set_status(POD, pod, pod_status("Succeeded", message=result()))


async def _step_has_begun(world: World) -> bool:
    rollout = (await world.get(SERVING_DEPLOYMENT, "ranker"))["status"].get("rollout", {})
    return await share(world, "v2") == 20 and bool(rollout.get("stepStartedAt"))


async def lose_every_status(world: World) -> None:
    """Everything of ours as it was, but without a status."""
    for resource in OWN.values():
        for obj in await world.list(resource):
            nothing = dict.fromkeys(obj.get("status", {})) | {"observedGeneration": -1}
            await world.set_status(resource, obj["metadata"]["name"], nothing)


async def restore(world: World, *, owners: bool) -> None:
    """Everything deleted, and made anew from its spec, labels and annotations.

    Args:
        world: Where.
        owners: Whether the backup keeps owner references, to uids that nobody has any more.
    """
    backup = [(resource, obj) for resource in IN_ORDER for obj in await world.list(resource)]
    for resource, obj in backup:
        await world.delete(resource, obj["metadata"]["name"])
    await world.eventually(lambda: _is_empty(world), what="nothing is left")
    for resource, obj in backup:
        kept = {"name", "labels", "annotations", *(["ownerReferences"] if owners else [])}
        meta = {name: value for name, value in obj["metadata"].items() if name in kept}
        body = {"metadata": meta, "spec": copy.deepcopy(obj["spec"])}
        if resource != POD or "predictor" not in meta["name"]:  # KServe's own Deployments bring those back
            await world.create(resource, body)


async def _is_empty(world: World) -> bool:
    return not [obj for resource in IN_ORDER for obj in await world.list(resource)]


@asynccontextmanager
async def weights_seen(world: World) -> AsyncIterator[list[dict[str, int]]]:
    """The shares of every version of the route there is while inside, by version."""
    start = await world.client.list(HTTP_ROUTE, world.namespace)
    seen = [_by_version(route) for route in start.items]

    async def follow() -> None:
        async for event in world.client.watch(HTTP_ROUTE, world.namespace, since=start.resource_version):
            if event.type != "BOOKMARK":
                seen.append(_by_version(event.object) if event.type != "DELETED" else {})

    task = asyncio.create_task(follow())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _by_version(route: Object) -> dict[str, int]:
    return {name.split("-")[1]: weight for name, weight in shares(route).items()}


async def _predictors_are_ready(world: World) -> bool:
    services = await world.list(INFERENCE_SERVICE)
    pods = [pod for pod in await world.list(POD) if "predictor" in pod["metadata"]["name"]]
    conditions = [service.get("status", {}).get("conditions") for service in services]
    ready = [pod for pod in pods if pod.get("status", {}).get("podIP")]
    return len(services) == len(ready) == 2 and all(conditions)


async def goes_on(world: World, lab: Lab, since: float) -> None:
    """An operator comes back: the release goes on from 20 %, and what was trained stays so."""
    await world.eventually(lambda: _predictors_are_ready(world), what="KServe has brought its predictors back")
    async with weights_seen(world) as seen, running(world, lab):
        await world.condition(TRAINING_JOB, "done", "Succeeded", reason="Completed")
        await world.eventually(lambda: _step_has_begun(world), what="the step has begun anew")
        for name, digest in (("v1", "1"), ("v2", "2")):
            await verify(world, f"ranker-{name}", "sha256:" + digest * 64)
        await verify(world, "ranker-t1", DIGEST)
        await world.settle()
        assert seen, "nobody looked at the route"
        assert [shares for shares in seen if shares != {"v1": 80, "v2": 20}] == []
        world.clock.advance(600)
        await serves(world, "v2")
    moves = [shares.get("v2", 0) for shares in seen]
    assert sorted(moves) == moves, f"the weight of v2 went back: {moves}"
    assert set(moves) == {20, 60, 100}
    assert _created(lab, world, since, "done-") == []


def _created(lab: Lab, world: World, since: float, name: str) -> list[str]:
    """Pods of that name an operator has made since."""
    writes = lab.audit.writes(since, user=OPERATOR_USER, namespace=world.namespace)
    return [str(w) for w in writes if (w.verb, w.resource) == ("create", "pods") and w.name.startswith(name)]


async def test_a_lost_status_moves_no_weight_and_trains_nothing_twice(world: World, own_lab: Lab) -> None:
    async with playing(world):
        await in_mid_release(world, own_lab)
        since = time.time()
        await lose_every_status(world)
        await goes_on(world, own_lab, since)
    assert (await world.get(TRAINING_JOB, "going"))["status"]["attempt"] == 1
    assert _created(own_lab, world, since, "going-") == []


async def test_a_restore_with_new_uids_moves_no_weight_and_trains_nothing_twice(world: World, own_lab: Lab) -> None:
    async with playing(world):
        await in_mid_release(world, own_lab)
        await restore(world, owners=False)
        since = time.time()
        await goes_on(world, own_lab, since)
        for resource in (HTTP_ROUTE, INFERENCE_SERVICE):
            owners = [obj["metadata"]["ownerReferences"][0]["uid"] for obj in await world.list(resource)]
            assert set(owners) == {(await world.get(SERVING_DEPLOYMENT, "ranker"))["metadata"]["uid"]}
    left = [pod["metadata"]["name"] for pod in await world.list(POD) if not pod["metadata"].get("ownerReferences")]
    assert [name for name in left if "predictor" not in name] == [], "a pod nobody will ever delete"


async def test_owners_of_the_old_cluster_cost_the_children_and_train_nothing_twice(world: World, own_lab: Lab) -> None:
    """Kubernetes itself deletes what is owned by an object that does not exist: the route and the predictors go."""
    async with playing(world):
        await in_mid_release(world, own_lab)
        with contextlib.suppress(ApiError):
            await restore(world, owners=True)
        since = time.time()
        await world.eventually(lambda: _children_are_gone(world), what="the garbage collector has been here", within=40)
        await _serves_again(world, own_lab)
        await world.condition(TRAINING_JOB, "done", "Succeeded", reason="Completed")
        assert _created(own_lab, world, since, "done-") == []


async def _children_are_gone(world: World) -> bool:
    return not [obj for resource in (HTTP_ROUTE, INFERENCE_SERVICE) for obj in await world.list(resource)]


async def _serves_again(world: World, lab: Lab) -> None:
    async with running(world, lab):
        for name, digest in (("v1", "1"), ("v2", "2")):
            await verify(world, f"ranker-{name}", "sha256:" + digest * 64)
        await serves(world, "v2")
        await world.condition(TRAINING_JOB, "done", "Succeeded")
