"""A total outage of a deployment that releases nothing calls for somebody, by counters that are really read."""

import pytest

from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.replay import World, running
from integration.serving.players import NAME, deploy, playing, publish, serves
from shipway.kube.client import Client
from shipway.kube.resource import INCIDENT, SERVING_DEPLOYMENT

pytestmark = pytest.mark.lab
AVAILABILITY = {"name": "availability", "type": "Availability", "target": "0.999"}


async def test_an_outage_has_an_incident_within_two_minutes_that_ends_with_the_objective(
    serving_lab: Lab, kube: Client, namespace: str
):
    world = World(kube, namespace, ShiftedClock())
    async with running(world, serving_lab), playing(world) as cluster:
        await publish(world, "v1")
        await deploy(world)
        await serves(world, "v1")
        await world.patch(SERVING_DEPLOYMENT, NAME, {"spec": {"objectives": [AVAILABILITY]}})
        await world.condition(SERVING_DEPLOYMENT, NAME, "ObjectivesMet", status="Unknown", reason="NotEnoughData")
        cluster.errors["v1"] = 1.0
        await burns(world, within=120)
        await world.condition(SERVING_DEPLOYMENT, NAME, "Ready", reason="Serving")
        (incident,) = await world.list(INCIDENT)
        assert (incident["spec"]["type"], incident["spec"]["gate"]) == ("SLOBurn", "availability")
        assert not incident["spec"]["quarantine"]
        await world.condition(INCIDENT, incident["metadata"]["name"], "Ready", status="False", reason="Open")
        await world.patch(SERVING_DEPLOYMENT, NAME, {"spec": {"objectives": []}})
        await world.condition(INCIDENT, incident["metadata"]["name"], "Ready", reason="Resolved")


async def burns(world: World, *, within: float) -> None:
    """Wait until the budget burns and the Incident is there."""

    async def look() -> object:
        return await world.list(INCIDENT)

    await world.eventually(look, what="somebody is called", within=within)
    await world.condition(SERVING_DEPLOYMENT, NAME, "ObjectivesMet", status="False", reason="BudgetBurning")
