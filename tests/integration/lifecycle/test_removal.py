"""Removed in any order, with objects and their children alive and the operator at work or gone: nothing hangs."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from harness.builders import model, training_job
from harness.clock import ShiftedClock
from harness.definitions import garbage_is_collected
from harness.lab import NAMESPACE, OPERATOR_USER, ROOT, Lab, install_crds
from harness.process import OperatorProcess, operator_process
from harness.replay import World
from harness.waiting import eventually
from integration.serving.players import deploy, playing, publish, serves
from own_cluster import Cluster
from shipway.api.v1alpha1 import KINDS
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import (
    CRD,
    ENDPOINT_SLICE,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    MODEL,
    OWN,
    POD,
    SERVICE,
    TRAINING_JOB,
    Object,
)

pytestmark = pytest.mark.lab

SECONDS = 60
CHILDREN = (POD, SERVICE, ENDPOINT_SLICE, INFERENCE_SERVICE, HTTP_ROUTE)
OUR_CRDS = [f"{kind.plural}.shipway.dev" for kind in KINDS]


@pytest.fixture
async def operator(own_lab: Lab, team: str, tmp_path: Path) -> AsyncIterator[OperatorProcess]:
    async with operator_process(own_lab, tmp_path, namespaces=[team]) as process:
        yield process


@pytest.fixture
async def alive(own_lab: Lab, admin: Client, team: str, operator: OperatorProcess) -> AsyncIterator[World]:
    """A served model and trainings, with all their children; whatever a test removed of the kinds comes back."""
    world = World(admin, team, ShiftedClock())
    async with playing(world):
        await publish(world, "v1")
        await deploy(world)
        await serves(world, "v1")
        for number in range(3):
            await world.create(TRAINING_JOB, training_job(f"job{number}", nodes=2))
        await world.eventually(lambda: _all_have_pods(world), what="every training has its pods")
    await garbage_is_collected(own_lab)
    yield world
    await install_crds(admin, [ROOT / "crds"])


async def _all_have_pods(world: World) -> bool:
    return len([pod for pod in await world.list(POD) if pod["metadata"]["name"].startswith("job")]) == 6


async def everything(world: World) -> Sequence[Object]:
    return [obj for resource in (*OWN.values(), *CHILDREN) for obj in await world.list(resource)]


async def delete_namespace(world: World) -> None:
    await world.client.delete(NAMESPACE, None, world.namespace)


async def delete_kinds(world: World) -> None:
    for name in OUR_CRDS:
        await world.client.delete(CRD, None, name)


async def gone(world: World, what: str) -> float:
    """Seconds until the namespace is gone."""
    since = time.monotonic()

    async def look() -> bool:
        try:
            found = await world.client.get(NAMESPACE, None, world.namespace)
        except NotFoundError:
            return True
        raise AssertionError(found.get("status"))

    await eventually(look, within=SECONDS, what=f"the namespace is gone: {what}")
    return time.monotonic() - since


async def kinds_gone(world: World) -> bool:
    return not [obj for obj in (await world.client.list(CRD)).items if obj["metadata"]["name"] in OUR_CRDS]


async def test_the_operator_first_then_the_namespace_then_the_kinds(alive: World, operator: OperatorProcess) -> None:
    await operator.kill()
    await delete_namespace(alive)
    await gone(alive, "the operator first")
    await delete_kinds(alive)
    await eventually(lambda: kinds_gone(alive), within=SECONDS, what="the kinds are gone")


async def test_the_operator_first_then_the_kinds_then_the_namespace(alive: World, operator: OperatorProcess) -> None:
    await operator.terminate()
    await delete_kinds(alive)
    await eventually(lambda: kinds_gone(alive), within=SECONDS, what="the kinds are gone")
    await eventually(lambda: _children_gone(alive), within=SECONDS, what="what they owned is gone")
    await delete_namespace(alive)
    await gone(alive, "the kinds before it")


async def test_the_kinds_first_while_the_operator_works(alive: World, operator: OperatorProcess, own_lab: Lab) -> None:
    await delete_kinds(alive)
    await eventually(lambda: kinds_gone(alive), within=SECONDS, what="the kinds are gone")
    await eventually(lambda: _children_gone(alive), within=SECONDS, what="what they owned is gone")
    since = time.time()
    await asyncio.sleep(2)
    assert operator.running, operator.log()
    assert own_lab.audit.writes(since, user=OPERATOR_USER, namespace=alive.namespace) == []
    await delete_namespace(alive)
    await gone(alive, "the kinds before it, the operator at work")


async def test_the_namespace_first_while_the_operator_works(
    alive: World, operator: OperatorProcess, own_lab: Lab, own: Cluster
) -> None:
    since = time.time()
    await delete_namespace(alive)
    await gone(alive, "the operator at work")
    refused = [w for w in own_lab.audit.writes(since, user=OPERATOR_USER, namespace=alive.namespace) if w.code >= 300]
    assert len(refused) < 50, f"{len(refused)} writes into a namespace that goes"
    assert operator.running, operator.log()
    assert await operator.get("/healthz") == (200, "ok")


async def test_what_is_left_behind_has_no_finalizer_and_is_taken_over_by_the_next_operator(
    alive: World, operator: OperatorProcess, own_lab: Lab, tmp_path: Path
) -> None:
    await operator.terminate()
    left = await everything(alive)
    assert {obj["kind"] for obj in left} >= {"TrainingJob", "ServingDeployment", "Pod", "HTTPRoute"}
    assert {obj["kind"]: obj["metadata"]["finalizers"] for obj in left if obj["metadata"].get("finalizers")} == {}

    async with operator_process(own_lab, tmp_path, namespaces=[alive.namespace]):
        await alive.create(MODEL, model("later"))
        await alive.condition(MODEL, "later", "Ready")
        known = {obj["metadata"]["uid"] for obj in await everything(alive)}
        assert known >= {obj["metadata"]["uid"] for obj in left if obj["kind"] != "EndpointSlice"}


async def _children_gone(world: World) -> bool:
    """The Service all trainings of a namespace share belongs to nobody and goes with the namespace."""
    left = [obj for resource in (POD, INFERENCE_SERVICE, HTTP_ROUTE) for obj in await world.list(resource)]
    return [obj for obj in left if "predictor" not in obj["metadata"]["name"]] == []
