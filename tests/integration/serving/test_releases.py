"""Stories of a release on the real API server, each told again with the operator killed after each write."""

import pytest

from harness.lab import Lab
from harness.replay import Play, Scenario, World, replay
from integration.serving.players import act, deploy, gone, playing, publish, release, serves, share, status
from shipway.api import labels
from shipway.controllers.incident.reconcile import ACKNOWLEDGED_BY
from shipway.kube.resource import HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE, SERVING_DEPLOYMENT

pytestmark = pytest.mark.lab

NUMBERS = (
    "status.summary",
    "status.conditions.*.message",
    "status.rollout.gates",
    "status.rollout.evidence",
    "status.rollout.history.*.requests",
    "status.abort.message",
    "spec.summary",
    "spec.evidence",
    "status.rollout.pausedSeconds",
    "status.quarantined.*.reason",
    "metadata.annotations",
)
"""How many answers were counted differs from run to run; what was decided does not."""


def told(play: Play) -> Scenario:
    return Scenario(play, resources=(INFERENCE_SERVICE, HTTP_ROUTE), ignore=NUMBERS)


async def test_a_first_version_takes_all_traffic_once_it_is_ready(serving_lab: Lab):
    async def play(world: World) -> None:
        async with playing(world):
            await publish(world, "v1")
            await deploy(world)
            await serves(world, "v1")
            assert await share(world, "v1") == 100

    await replay(told(play), serving_lab)


async def test_a_good_version_walks_every_step_once(serving_lab: Lab):
    async def play(world: World) -> None:
        async with playing(world):
            await publish(world, "v1", "v2")
            await deploy(world)
            await serves(world, "v1")
            await release(world, "v2")
            await serves(world, "v2")
            world.clock.advance(10)
            await gone(world, "v1")
            history = (await status(world))["rollout"]["history"]
            assert [record["weight"] for record in history] == [20, 60, 100]
            assert await share(world, "v2") == 100

    await replay(told(play), serving_lab)


async def test_a_bad_version_is_taken_back_and_held(serving_lab: Lab):
    async def play(world: World) -> None:
        async with playing(world) as cluster:
            await publish(world, "v1", "v2")
            await deploy(world)
            await serves(world, "v1")
            cluster.errors["v2"] = 0.3
            await release(world, "v2")
            await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
            assert await share(world, "v2") == 0
            world.clock.advance(10)
            await gone(world, "v2")
            incidents = await world.list(INCIDENT)
            assert [incident["spec"]["gate"] for incident in incidents] == ["errors"]
            await world.condition(INCIDENT, incidents[0]["metadata"]["name"], "Mitigated")

    await replay(told(play), serving_lab)


async def test_an_incident_is_acknowledged_and_lifted_by_a_retry(serving_lab: Lab):
    async def play(world: World) -> None:
        async with playing(world) as cluster:
            await publish(world, "v1", "v2")
            await deploy(world)
            await serves(world, "v1")
            await release(world, "v2")
            await world.eventually(lambda: share(world, "v2"), what="v2 has traffic")
            await act(world, "abort", "1")
            await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
            (incident,) = await world.list(INCIDENT)
            name = incident["metadata"]["name"]
            await world.condition(INCIDENT, name, "Mitigated")
            world.clock.advance(10)
            await gone(world, "v2")
            cluster.broken.add("v2")
            await world.settle()

            world.begin_here()
            await world.patch(INCIDENT, name, {"metadata": {"annotations": {ACKNOWLEDGED_BY: "ada"}}})
            await world.condition(INCIDENT, name, "Ready", reason="Resolved")
            await act(world, "retry", "2")
            await world.condition(INCIDENT, name, "Quarantined", status="False", reason="Lifted")
            await world.eventually(lambda: world.list(INFERENCE_SERVICE, f"{labels.VERSION}=v2"), what="v2 comes back")

    await replay(told(play), serving_lab)
