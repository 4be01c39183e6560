"""The operator replaced by another release, with many live objects and a release in mid-step."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from harness.builders import model, model_version, pod_status, training_job
from harness.clock import ShiftedClock
from harness.lab import OPERATOR_USER, ROOT, Lab, install_release
from harness.process import OperatorProcess, operator_process
from harness.replay import World
from harness.waiting import eventually
from integration.lifecycle.releases_apart import earlier_release, environment, other_renderer
from integration.serving.players import act, deploy, playing, publish, release, serves, share, status
from shipway.kube.client import Client
from shipway.kube.resource import INFERENCE_SERVICE, MODEL, MODEL_VERSION, POD, TRAINING_JOB, Object

pytestmark = pytest.mark.lab

OBJECTS = int(os.environ.get("SHIPWAY_TEST_OBJECTS", "100"))
"""Live objects at the upgrade."""
STEPS = [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {"seconds": 1}}]
Trees = Callable[[Path], tuple[Path, Path]]
UPGRADES: dict[str, tuple[Trees, int]] = {
    "from the release before": (lambda folder: (earlier_release(folder / "earlier"), ROOT), OBJECTS // 5),
    "to one that renders otherwise": (lambda folder: (ROOT, other_renderer(folder / "other")), 0),
}
"""The source trees of both releases, and how many writes are no storm: a release may bring a new sort of child."""


async def populate(world: World) -> None:
    """Trainings that run, models, and versions whose artifacts are being read."""
    for number in range(OBJECTS // 4):
        await world.create(MODEL, model(f"bulk-{number}"))
        await world.create(MODEL_VERSION, model_version(f"b{number}", model=f"bulk-{number}"))
    names = [f"bulk-{number}" for number in range(OBJECTS // 2)]
    for number, name in enumerate(names):
        await world.create(TRAINING_JOB, training_job(name, nodes=2 if number % 10 == 0 else 1))
    for number, name in enumerate(names):
        for rank in range(2 if number % 10 == 0 else 1):
            await world.eventually(partial(_runs, world, f"{name}-1-{rank}"), within=60, what=f"{name} has its pods")
    for name in names:
        await world.condition(TRAINING_JOB, name, "Ready", reason="Running")


async def _runs(world: World, pod: str) -> Object:
    return await world.set_status(POD, pod, pod_status("Running"))


async def in_mid_step(world: World) -> None:
    """v2 has 20 % beside v1 until someone promotes it."""
    await publish(world, "v1", "v2")
    await deploy(world, steps=STEPS)
    await serves(world, "v1")
    await release(world, "v2")
    await world.eventually(lambda: _step_has_begun(world), within=40, what="the step of 20 % has begun")


async def _step_has_begun(world: World) -> bool:
    return await share(world, "v2") == 20 and bool((await status(world))["rollout"].get("stepStartedAt"))


async def pods(world: World) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in await world.list(POD)}


async def rendered(world: World) -> dict[str, Object]:
    """What KServe makes pods of, by version."""
    services = await world.list(INFERENCE_SERVICE)
    return {
        service["metadata"]["labels"]["shipway.dev/version"]: {
            "spec": service["spec"],
            "labels": service["metadata"]["labels"],
            "annotations": service["metadata"]["annotations"],
        }
        for service in services
    }


async def at_rest(lab: Lab, namespace: str, operator: OperatorProcess) -> None:
    """Wait until a new operator has looked at everything and has nothing to do."""

    async def looked() -> bool:
        reconciles = await operator.metric("controller_reconcile_total")
        return reconciles >= OBJECTS and await operator.metric("workqueue_depth") == 0

    await eventually(looked, within=60, what="the new operator has looked at every object")
    await asyncio.sleep(2)


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
async def test_an_upgrade_restarts_no_pod_brings_no_write_storm_and_loses_no_step(
    own_lab: Lab, admin: Client, team: str, tmp_path: Path, upgrade: tuple[Trees, int]
) -> None:
    releases, allowed = upgrade
    before, after = releases(tmp_path)
    world = World(admin, team, ShiftedClock())
    async with playing(world):
        await install_release(admin, before)
        async with operator_process(own_lab, tmp_path, namespaces=[team], **environment(before)) as old:
            await in_mid_step(world)
            await populate(world)
            assert await old.terminate() == 0
        await install_release(admin, after)
        had, made, rollout, since = (
            await pods(world),
            await rendered(world),
            (await status(world))["rollout"],
            time.time(),
        )

        newer = {**environment(after), "SHIPWAY_WORKLOADS_IMAGE": "ghcr.io/shipway-ml/workloads:newer"}
        async with operator_process(own_lab, tmp_path, namespaces=[team], **newer) as new:
            await at_rest(own_lab, team, new)
            took = time.time() - since

            assert await pods(world) == had
            assert await rendered(world) == made
            writes = _writes(own_lab, team, since)
            assert len(writes) <= allowed, writes
            assert [write for write in writes if " pods " in write or " inferenceservices " in write] == []
            assert (await status(world))["rollout"]["stepStartedAt"] == rollout["stepStartedAt"]
            assert await share(world, "v2") == 20
            await act(world, "promote", "1")
            await serves(world, "v2", within=60)
            history = (await status(world))["rollout"]["history"]
            assert [record["weight"] for record in history] == [20, 60, 100]
            assert history[0]["startedAt"] == rollout["history"][0]["startedAt"]
            assert [w for w in _writes(own_lab, team, since) if " pods " in w] == []
    print(
        json.dumps({"objects": OBJECTS, "writes": len(writes), "pods_restarted": 0, "seconds_to_rest": round(took, 1)})
    )


def _writes(lab: Lab, namespace: str, since: float) -> list[str]:
    """The operator's writes since, but for the status of the release itself."""
    writes = lab.audit.writes(since, user=OPERATOR_USER, namespace=namespace)
    return [str(write) for write in writes if write.resource != "servingdeployments/status"]
