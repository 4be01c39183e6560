"""A Model and its versions on the real API server, told again with the operator killed after each write."""

import pytest

from harness.builders import DIGEST, model, model_version, pod_status
from harness.lab import Lab
from harness.replay import Scenario, World, replay
from integration.training.players import act, reap, verify
from shipway.kube.resource import MODEL, MODEL_VERSION, POD

pytestmark = pytest.mark.lab
VERIFY = "ranker-v1-verify"
LONGER_THAN_ANY_WAIT = 3600.0
OTHER = "sha256:" + "b" * 64


async def test_versions_are_verified_and_aliases_follow(lab: Lab) -> None:
    async def play(world: World) -> None:
        await world.create(MODEL, model(aliases=[{"name": "production", "version": "v1"}]))
        await world.condition(MODEL, "ranker", "Ready", status="False", reason="AliasDangling")
        await world.create(MODEL_VERSION, model_version("v1"))
        await act(world, lambda: world.set_status(POD, VERIFY, pod_status("Failed", container="verify")))
        await world.condition(MODEL_VERSION, "ranker-v1", "Ready", status="False", reason="ArtifactUnreadable")
        await world.settle()
        world.clock.advance(LONGER_THAN_ANY_WAIT)
        await verify(world)
        await world.condition(MODEL_VERSION, "ranker-v1", "Ready", reason="Verified")
        await world.condition(MODEL, "ranker", "Ready", reason="Resolved")

        await world.create(MODEL_VERSION, model_version("v2", digest=OTHER))
        rotten = pod_status("Succeeded", container="verify", message=f'{{"digest": "{DIGEST}"}}')
        await act(world, lambda: world.set_status(POD, "ranker-v2-verify", rotten))
        await world.condition(MODEL_VERSION, "ranker-v2", "Stalled", reason="DigestMismatch")
        await world.patch(MODEL, "ranker", {"spec": {"aliases": [{"name": "production", "version": "v2"}]}})
        await world.eventually(lambda: _has_moved(world), what="the alias has moved")
        await reap(world)

    await replay(Scenario(play), lab)


async def _has_moved(world: World) -> bool:
    status = (await world.get(MODEL, "ranker"))["status"]
    return bool(status["aliases"][0]["version"] == "v2" and status["aliasHistory"][-1]["toVersion"] == "v2")
