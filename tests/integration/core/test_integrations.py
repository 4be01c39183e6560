"""Parts of the cluster that come and go while the operator runs."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest

from harness.builders import model
from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.replay import World, running
from integration.core.toy import owners
from shipway.api import labels
from shipway.api.conditions import Verdict, merge
from shipway.api.v1alpha1.model import ModelStatus
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import CRD, MODEL, Key, Object, Resource
from shipway.parts import Parts
from shipway.runtime.controller import Cache, Watch
from shipway.runtime.informer import POLL_SECONDS
from shipway.runtime.plan import Plan

pytestmark = pytest.mark.lab

THING = Resource("toys.example.com", "v1", "things", "Thing")
SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
THINGS: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.toys.example.com"},
    "spec": {
        "group": THING.group,
        "names": {"plural": "things", "kind": "Thing"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}],
    },
}


class ThingCounter:
    """Says in a Model's status whether Things can be had, and how many there are."""

    resource = MODEL
    watches: Sequence[Watch] = (Watch(THING, owners, selector=f"{labels.KIND}=Model"),)

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        obj = cache.get(MODEL, key.namespace, key.name)
        if obj is None:
            return None
        before = ModelStatus.model_validate(obj["status"])
        reason = "Served" if cache.has(THING) else "IntegrationMissing"
        conditions = merge(before.conditions, [Verdict("Ready", cache.has(THING), reason)], generation=1, now=now)
        things = len(cache.owned(THING, key))
        return Plan(status=ModelStatus(observed_generation=1, conditions=conditions, versions=things).to_wire())


def build(*_: object) -> Parts:
    return Parts(controllers=[ThingCounter()])


@pytest.fixture
async def world(lab: Lab, kube: Client, namespace: str) -> AsyncIterator[World]:
    await _remove_things(kube)
    world = World(kube, namespace, ShiftedClock())
    everything = dataclasses.replace(lab, operator=lab.admin)  # Things are no part of the chart's rights
    async with running(world, everything, build=build):
        yield world
    await _remove_things(kube)


async def test_an_integration_is_noticed_when_it_comes_and_when_it_goes(world: World, kube: Client) -> None:
    await world.create(MODEL, model("toy"))
    await world.condition(MODEL, "toy", "Ready", status="False", reason="IntegrationMissing")

    await kube.create(CRD, THINGS)
    await world.eventually(partial(kube.list, THING), what="Things are served")
    world.clock.advance(POLL_SECONDS)
    await world.condition(MODEL, "toy", "Ready", reason="Served")

    marks = {labels.KIND: "Model", labels.NAME: "toy"}
    await world.create(THING, {"metadata": {"name": "one", "labels": marks}})
    await world.eventually(partial(_counts, world, 1), what="the Thing is seen")

    await _remove_things(kube)
    await world.condition(MODEL, "toy", "Ready", status="False", reason="IntegrationMissing")
    await world.eventually(partial(_counts, world, 0), what="the Thing is forgotten")


def test_nobody_waits_longer_than_half_a_minute() -> None:
    assert POLL_SECONDS <= 30


async def _counts(world: World, number: int) -> bool:
    return bool((await world.get(MODEL, "toy"))["status"]["versions"] == number)


async def _remove_things(kube: Client) -> None:
    try:
        await kube.delete(CRD, None, THINGS["metadata"]["name"])
    except NotFoundError:
        return
