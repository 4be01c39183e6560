"""The loop in motion, with the toy controller: it mends, it stalls, it keeps its hands off."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from harness.builders import model, pod_status
from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.replay import World, running
from harness.waiting import never
from integration.core.toy import PODS, build
from shipway.kube.client import Client
from shipway.kube.resource import EVENT, MODEL, POD

pytestmark = pytest.mark.lab


@pytest.fixture
async def world(lab: Lab, kube: Client, namespace: str) -> AsyncIterator[World]:
    world = World(kube, namespace, ShiftedClock())
    async with running(world, lab, build=build):
        yield world


async def test_a_pod_that_somebody_deletes_is_made_again(world: World) -> None:
    await world.create(MODEL, model("toy"))
    await world.eventually(partial(world.get, POD, "toy-0"))
    uid = (await world.get(POD, "toy-0"))["metadata"]["uid"]

    await world.delete(POD, "toy-0")

    await world.eventually(partial(_is_another, world, uid), what="a new pod of the same name")


async def test_a_status_that_somebody_edits_is_put_back(world: World) -> None:
    await world.create(MODEL, model("toy"))
    await world.condition(MODEL, "toy", "Ready", status="False", reason="Waiting")
    await world.settle()

    await world.set_status(MODEL, "toy", {"versions": 42, "latestVersion": "forged"})

    await world.eventually(partial(_has_status, world, versions=1, latestVersion=""), what="the forged status is gone")


async def test_a_status_that_is_lost_is_rebuilt(world: World) -> None:
    await world.create(MODEL, model("toy"))
    await world.eventually(partial(world.get, POD, "toy-0"))
    await world.set_status(POD, "toy-0", pod_status("Running", container="main"))
    await world.condition(MODEL, "toy", "Ready")

    await world.set_status(MODEL, "toy", {"conditions": None, "versions": None})

    await world.condition(MODEL, "toy", "Ready")


async def test_what_cannot_be_reconciled_stalls_until_it_changes(world: World) -> None:
    await world.create(MODEL, model("toy", annotations={PODS: "many"}))
    await world.condition(MODEL, "toy", "Stalled", reason="PodsInvalid")
    await world.condition(MODEL, "toy", "Ready", status="False", reason="PodsInvalid")
    await world.settle()
    writes = world.writes
    await never(partial(_wrote_more, world, writes), during=1, what="a stalled object is written to")

    await world.patch(MODEL, "toy", {"metadata": {"annotations": {PODS: "1"}}})

    await world.condition(MODEL, "toy", "Ready", status="False", reason="Waiting")
    assert [c["type"] for c in (await world.get(MODEL, "toy"))["status"]["conditions"]] == ["Ready"]


async def test_an_object_on_its_way_out_is_left_alone(world: World) -> None:
    await world.create(MODEL, model("toy"))
    await world.eventually(partial(world.get, POD, "toy-0"))
    await world.patch(MODEL, "toy", {"metadata": {"finalizers": ["example.com/wait"]}})
    await world.delete(MODEL, "toy")
    await world.eventually(partial(_knows_its_end, world), what="the operator knows that it ends")

    await world.delete(POD, "toy-0")

    await never(partial(world.find, POD, "toy-0"), during=1.5, what="a pod is made for a deleted object")
    await world.patch(MODEL, "toy", {"metadata": {"finalizers": None}})


async def test_each_transition_is_told_once(world: World) -> None:
    await world.create(MODEL, model("toy"))
    await world.eventually(partial(world.get, POD, "toy-0"))
    await world.set_status(POD, "toy-0", pod_status("Running", container="main"))
    await world.condition(MODEL, "toy", "Ready")
    await world.settle()

    events = [event for event in await world.list(EVENT) if event["regarding"]["kind"] == "Model"]
    assert sorted(event["reason"] for event in events) == ["AllRun", "Waiting"]


async def _is_another(world: World, uid: str) -> bool:
    return bool((await world.get(POD, "toy-0"))["metadata"]["uid"] != uid)


async def _knows_its_end(world: World) -> bool:
    assert world.operator is not None
    known = world.operator.cache.get(MODEL, world.namespace, "toy")
    return known is not None and "deletionTimestamp" in known["metadata"]


async def _has_status(world: World, **fields: object) -> bool:
    status = (await world.get(MODEL, "toy"))["status"]
    return all(status.get(name) == value for name, value in fields.items())


async def _wrote_more(world: World, writes: int) -> bool:
    return world.writes != writes
