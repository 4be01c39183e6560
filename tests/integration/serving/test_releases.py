"""Stories of a release on the real API server, each told again with the operator killed after each write."""

import time

import pytest

from harness.lab import Lab
from harness.replay import Play, Scenario, World, replay
from integration.serving.players import act, deploy, exposed, gone, playing, publish, release, serves, share, status
from shipway.api import labels
from shipway.controllers.incident.people import ACKNOWLEDGED_BY
from shipway.kube.resource import HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE, SERVING_DEPLOYMENT

pytestmark = pytest.mark.lab
HOUR = 3600.0

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
    "status.rollout.measuredAt",
    "status.suspects.*.detail",
    "status.stable.startSeconds",
    "status.candidate.startSeconds",
    "status.rollbackTarget.startSeconds",
    "status.kept.*.startSeconds",
    "status.actions.*.result",
    "status.quarantined.*.reason",
    "status.secondsToDetect",
    "status.secondsToMitigate",
    "metadata.annotations",
)
"""How many answers were counted and how long pods took differs from run to run; what was decided does not."""


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
            await exposed(world, "v2")
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


async def test_a_version_that_fails_in_its_bake_gives_everything_back_to_the_one_before(serving_lab: Lab):
    async def play(world: World) -> None:
        async with playing(world) as cluster:
            await publish(world, "v1", "v2")
            await deploy(world, bakeSeconds=3600)
            await serves(world, "v1")
            await release(world, "v2")
            await world.condition(SERVING_DEPLOYMENT, "ranker", "Ready", status="False", reason="Baking")

            world.begin_here()
            cluster.errors["v2"] = 0.3
            await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
            assert await share(world, "v1") == 100
            world.clock.advance(10)
            await gone(world, "v2")

    await replay(told(play), serving_lab)


async def test_a_version_that_has_passed_its_bake_is_undone_and_held(serving_lab: Lab):
    async def play(world: World) -> None:
        async with playing(world):
            await publish(world, "v1", "v2")
            await deploy(world)
            await serves(world, "v1")
            await release(world, "v2")
            await serves(world, "v2")
            world.clock.advance(10)
            await gone(world, "v1")
            await world.settle()

            world.begin_here()
            await act(world, "undo", "1")
            await world.condition(SERVING_DEPLOYMENT, "ranker", "Stalled", reason="Quarantined")
            world.clock.advance(10)
            await gone(world, "v2")
            assert await share(world, "v1") == 100
            (incident,) = await world.list(INCIDENT)
            assert incident["spec"]["gate"] == "undo"
            await world.condition(INCIDENT, incident["metadata"]["name"], "Mitigated")

    await replay(told(play), serving_lab)


async def test_a_version_that_is_wanted_in_a_freeze_is_released_after_it(serving_lab: Lab):
    today = time.time()
    window = {"name": "fair", "start": _minute(today - HOUR), "end": _minute(today + HOUR)}

    async def play(world: World) -> None:
        async with playing(world):
            await publish(world, "v1", "v2")
            await deploy(world)
            await serves(world, "v1")
            await world.patch(SERVING_DEPLOYMENT, "ranker", {"spec": {"rollout": {"freeze": [window]}}})
            await release(world, "v2")
            await world.condition(SERVING_DEPLOYMENT, "ranker", "Ready", status="False", reason="Frozen")
            await world.settle()

            world.begin_here()
            world.clock.advance(2 * HOUR)
            await serves(world, "v2")
            world.clock.advance(10)
            await gone(world, "v1")

    await replay(told(play), serving_lab)


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
