"""A crash after any write ends in the same state."""

from functools import partial

import pytest

from harness.builders import incident, model, pod_status
from harness.lab import Lab
from harness.replay import Scenario, World, replay
from integration.core.toy import PODS, build
from shipway.kube.resource import INCIDENT, MODEL, POD

pytestmark = pytest.mark.lab


async def scale_up_and_down(world: World) -> None:
    await world.create(INCIDENT, incident("toy-rollback", model="toy"))
    await world.create(MODEL, model("toy", annotations={PODS: "3"}))
    for name in ("toy-0", "toy-1", "toy-2"):
        await world.eventually(partial(world.get, POD, name), what=f"pod {name}")
        await world.set_status(POD, name, pod_status("Running", container="main"))
    await world.condition(MODEL, "toy", "Ready")
    await world.patch(MODEL, "toy", {"metadata": {"annotations": {PODS: "1"}}})
    await world.eventually(lambda: _only_pod(world, "toy-0"), what="only toy-0 is left")
    await world.condition(MODEL, "toy", "Ready")


async def _only_pod(world: World, name: str) -> bool:
    return [pod["metadata"]["name"] for pod in await world.list(POD)] == [name]


async def test_a_crash_after_any_write_ends_in_the_same_state(lab: Lab) -> None:
    result = await replay(Scenario(scale_up_and_down, build=build), lab)

    assert result.writes >= 10
    assert result.killed_after[:5] == (1, 2, 3, 4, 5)
    assert '"versions": 1' in result.state
