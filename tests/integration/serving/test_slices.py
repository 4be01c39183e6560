"""A version that is bad for one tenant alone, on the real API server with real counters."""

import pytest

from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.replay import World, running
from integration.serving.players import deploy, playing, publish, release, serves, share, status
from shipway.kube.client import Client
from shipway.kube.resource import INCIDENT

pytestmark = pytest.mark.lab
GATE = {"name": "errors", "type": "ErrorRate", "margin": "0.05", "minSamples": 20, "slices": ["acme", "globex"]}
STEPS = [{"setWeight": 20}, {"pause": {}}]


async def test_a_version_that_is_bad_for_one_tenant_alone_is_taken_back_and_the_incident_names_it(
    serving_lab: Lab, kube: Client, namespace: str
):
    world = World(kube, namespace, ShiftedClock())
    async with running(world, serving_lab), playing(world) as cluster:
        cluster.tenants |= {"acme": 0.02, "globex": 0.3}
        cluster.errors_of["v2", "acme"] = 0.6
        await publish(world, "v1", "v2")
        await deploy(world, steps=STEPS, gates=[GATE])
        await serves(world, "v1")
        await release(world, "v2")

        async def taken_back() -> object:
            told = await status(world)
            assert told["abort"]["gate"] == "errors/acme", told["summary"]
            return await share(world, "v2") == 0

        await world.eventually(taken_back, what="v2 is taken back for acme", within=60)
        verdicts = {gate["name"]: gate["verdict"] for gate in (await status(world))["rollout"]["gates"]}
        assert verdicts.keys() == {"errors", "errors/acme", "errors/globex"}
        assert "Fail" not in {verdicts["errors"], verdicts["errors/globex"]}
    (incident,) = await world.list(INCIDENT)
    assert incident["spec"]["gate"] == "errors/acme"
    assert incident["spec"]["summary"].startswith("errors of slice acme: ")
