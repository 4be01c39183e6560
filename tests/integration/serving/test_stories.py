"""Stories of a release told once on the real API server, with a real route, real watches and real counters."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from harness.clock import ShiftedClock
from harness.lab import OPERATOR_USER, Lab
from harness.replay import World, running
from integration.serving.players import (
    Cluster,
    act,
    deploy,
    gone,
    mirrors,
    playing,
    publish,
    release,
    serves,
    share,
    shares,
    status,
)
from shipway.kube.client import Client
from shipway.kube.resource import HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE, SERVING_DEPLOYMENT

pytestmark = pytest.mark.lab


@pytest.fixture
async def world(serving_lab: Lab, kube: Client, namespace: str) -> AsyncIterator[World]:
    made = World(kube, namespace, ShiftedClock())
    async with running(made, serving_lab):
        yield made


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    async with playing(world) as made:
        await publish(world, "v1", "v2", "v3")
        await deploy(world)
        await serves(world, "v1")
        yield made


async def weight(world: World, version: str, percent: int) -> None:
    async def look() -> object:
        return await share(world, version) == percent

    await world.eventually(look, what=f"{version} has {percent} %")


async def test_a_person_pauses_resumes_aborts_and_retries(world: World, cluster: Cluster):
    await release(world, "v2")
    await weight(world, "v2", 20)
    await act(world, "pause", "1")
    await world.condition(SERVING_DEPLOYMENT, "ranker", "Ready", status="False", reason="Paused")
    world.clock.advance(60)
    await asyncio.sleep(1)
    assert await share(world, "v2") == 20
    await act(world, "resume", "2")
    await weight(world, "v2", 60)
    await act(world, "abort", "3")
    await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
    assert await share(world, "v2") == 0
    await act(world, "retry", "4")
    await serves(world, "v2")
    verbs = [record["verb"] for record in (await status(world))["actions"]]
    assert verbs == ["pause", "resume", "abort", "retry"]
    (incident,) = await world.list(INCIDENT)
    assert incident["status"]["lifted"]["reason"] == "because"


async def test_a_version_is_released_beside_a_twin_of_stable_which_is_gone_afterwards(world: World, cluster: Cluster):
    rollout = {"compareWith": "Twin", "steps": [{"setWeight": 20}, {"pause": {"seconds": 2}}]}
    await world.patch(SERVING_DEPLOYMENT, "ranker", {"spec": {"version": "v2", "rollout": rollout}})

    async def beside() -> object:
        told, weights = await status(world), shares(await world.find(HTTP_ROUTE, "ranker"))
        names = [told.get(role, {}).get("inferenceService") for role in ("stable", "twin", "candidate")]
        return [weights.get(name) for name in names] == [60, 20, 20]

    await world.eventually(beside, what="the twin has as much as v2")
    await serves(world, "v2")
    assert (await status(world))["rollout"]["baseline"] == "v1"
    await gone(world, "v1")
    assert len(await world.list(INFERENCE_SERVICE)) == 1


async def test_a_bad_version_beside_a_twin_leaves_neither(world: World, cluster: Cluster):
    cluster.errors["v2"] = 0.3
    await world.patch(SERVING_DEPLOYMENT, "ranker", {"spec": {"version": "v2", "rollout": {"compareWith": "Twin"}}})
    await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
    await gone(world, "v2")

    async def stable_alone() -> object:
        return len(await world.list(INFERENCE_SERVICE)) == 1

    await world.eventually(stable_alone, what="stable alone runs")
    assert await share(world, "v1") == 100


async def test_a_bad_version_that_is_mirrored_is_taken_back_before_anybody_gets_its_answers(
    world: World, cluster: Cluster
):
    cluster.errors["v2"] = 0.3
    steps = [{"mirror": {}}, {"pause": {"seconds": 60}}, {"setWeight": 50}]
    await world.patch(SERVING_DEPLOYMENT, "ranker", {"spec": {"version": "v2", "rollout": {"steps": steps}}})
    await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
    assert await share(world, "v2") == 0
    assert mirrors(await world.find(HTTP_ROUTE, "ranker")) == []
    (record,) = (await status(world))["rollout"]["history"]
    assert (record["weight"], record["mirror"]) == (0, True)
    (incident,) = await world.list(INCIDENT)
    assert "exposedAt" not in incident["spec"]
    assert incident["spec"]["summary"].endswith("nobody got an answer of it")


async def test_a_good_version_loses_its_mirror_when_it_gets_a_weight(world: World, cluster: Cluster):
    steps = [{"mirror": {}}, {"pause": {"seconds": 2}}, {"setWeight": 50}]
    await world.patch(SERVING_DEPLOYMENT, "ranker", {"spec": {"version": "v2", "rollout": {"steps": steps}}})

    async def is_mirrored() -> object:
        return mirrors(await world.find(HTTP_ROUTE, "ranker"))

    await world.eventually(is_mirrored, what="v2 is mirrored")
    await weight(world, "v2", 50)
    assert mirrors(await world.find(HTTP_ROUTE, "ranker")) == []
    await serves(world, "v2")


async def test_another_version_replaces_the_one_under_way(world: World, cluster: Cluster):
    await release(world, "v2")
    await weight(world, "v2", 20)
    await release(world, "v3")
    await serves(world, "v3")
    world.clock.advance(10)
    await gone(world, "v2")
    await gone(world, "v1")
    assert await world.list(INCIDENT) == []


async def test_a_version_that_never_starts_is_taken_back_with_the_schedulers_own_words(world: World, cluster: Cluster):
    cluster.broken.add("v2")
    await release(world, "v2")

    async def told() -> object:
        return "no nodes available" in (await status(world))["summary"]

    await world.eventually(told, what="the summary has the scheduler's sentence")
    world.clock.advance(700)
    await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="RolledBack")
    (incident,) = await world.list(INCIDENT)
    assert incident["spec"]["gate"] == "ProgressDeadlineExceeded"
    assert "no nodes available" in incident["spec"]["summary"]
    assert await share(world, "v1") == 100


async def test_what_a_stranger_changes_is_put_back(world: World, cluster: Cluster):
    route = await world.get(HTTP_ROUTE, "ranker")
    backends = [{"group": "", "kind": "Service", "name": "elsewhere", "port": 80, "weight": 1}]
    rules = [{**route["spec"]["rules"][0], "backendRefs": backends}]
    await world.patch(HTTP_ROUTE, "ranker", {"spec": {"rules": rules}})
    await weight(world, "v1", 100)
    (service,) = await world.list(INFERENCE_SERVICE)
    await world.delete(INFERENCE_SERVICE, service["metadata"]["name"])

    async def back() -> object:
        found = await world.list(INFERENCE_SERVICE)
        return found and found[0]["metadata"]["uid"] != service["metadata"]["uid"]

    await world.eventually(back, what="the InferenceService is back")
    await serves(world, "v1")


async def test_at_rest_nothing_is_written(world: World, cluster: Cluster, serving_lab: Lab):
    await release(world, "v2")
    await serves(world, "v2")
    world.clock.advance(10)
    await gone(world, "v1")
    await world.settle()
    since = time.time()
    await asyncio.sleep(4)
    assert serving_lab.audit.writes(since, user=OPERATOR_USER, namespace=world.namespace) == []
    assert list(shares(await world.get(HTTP_ROUTE, "ranker")).values()) == [100]
