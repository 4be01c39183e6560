"""A training that hangs: with its program stopped for real, and with the operator killed after each of its writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.builders import model, pod_status, training_job
from harness.lab import Lab
from harness.process import OperatorProcess
from harness.replay import Scenario, World, replay
from harness.tokens import service_account_token
from harness.waiting import eventually
from integration.training.players import NAME, create_job, finish, job, reap, report, run_pods, verify
from processes import started, unused_port
from shipway.kube.client import Client
from shipway.kube.identity import AUDIENCE
from shipway.kube.resource import INCIDENT, MODEL, MODEL_VERSION, POD, TRAINING_JOB, Object

pytestmark = pytest.mark.lab
WITHIN = 60.0
"""Seconds: ten without a step, and what a busy machine takes."""


def incident_ends(incidents: list[Object]) -> list[tuple[str, bool]]:
    return [(i["spec"]["type"], "mitigatedAt" in i.get("status", {})) for i in incidents]


async def test_rank_0_stopped_calls_for_its_owner_until_it_goes_on(
    lab: Lab, kube: Client, namespace: str, operator: OperatorProcess, tmp_path: Path
):
    await kube.create(MODEL, model(namespace=namespace))
    output = {"model": "ranker", "version": "v1"}
    wanted: dict[str, Any] = {"health": {"hangSeconds": 10}, "output": output}
    await kube.create(TRAINING_JOB, training_job("one", namespace=namespace, **wanted))
    pod = await eventually(lambda: kube.get(POD, namespace, "one-1-0"), what="the pod")
    await kube.merge_patch_status(POD, namespace, "one-1-0", pod_status("Running"))
    token = tmp_path / "token"
    token.write_text(await service_account_token(kube, namespace, audience=AUDIENCE, pod=pod))

    async def ready(reason: str) -> object:
        found = (await kube.get(TRAINING_JOB, namespace, "one"))["status"]["conditions"]
        return next(c["reason"] for c in found if c["type"] == "Ready") == reason

    async def steps() -> object:
        return (await kube.get(TRAINING_JOB, namespace, "one"))["status"]["progress"]["step"] > 0

    async def ends(*expected: bool) -> object:
        found = (await kube.list(INCIDENT, namespace)).items
        return incident_ends(found) == [("TrainingHang", end) for end in expected]

    environment = {
        "SHIPWAY_JOB": "one",
        "SHIPWAY_NAMESPACE": namespace,
        "SHIPWAY_ATTEMPT": "1",
        "SHIPWAY_PARAMETERS": json.dumps({"epochs": "20", "stepDelayMs": "100"}),
        "SHIPWAY_OUTPUT_URI": (tmp_path / "artifact").as_uri(),
        "SHIPWAY_PROGRESS_URL": f"{operator.http}/v1/namespaces/{namespace}/trainingjobs/one/progress",
        "SHIPWAY_TOKEN_FILE": str(token),
        "PET_NNODES": "1",
        "PET_NPROC_PER_NODE": "1",
        "PET_RDZV_BACKEND": "static",
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(unused_port()),
        "PET_MAX_RESTARTS": "0",
    }
    ranker = ("-m", "shipway_workloads.training.ranker")
    with started("torch.distributed.run", *ranker, log=tmp_path / "log", env=environment) as program:
        await eventually(steps, within=WITHIN, what="rank 0 tells of steps")
        assert await ready("Running")
        program.stop()
        await eventually(lambda: ready("Hanging"), within=WITHIN, what="the training hangs")
        await eventually(lambda: ends(False), within=WITHIN, what="an Incident is open")
        assert (await operator.metric("shipway_trainingjob_seconds_since_step")) >= 10
        program.go_on()
        await eventually(lambda: ready("Running"), within=WITHIN, what="the training goes on")
        await eventually(lambda: ends(True), within=WITHIN, what="the Incident is over")


async def test_a_restart_after_a_hang_survives_the_operator_killed_after_each_write(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world, nodes=1, health={"onHang": "Restart", "hangSeconds": 10})
        await run_pods(world, 1, nodes=1)
        await report(world, 1, 5)
        await world.eventually(lambda: _attempt(world, 2), what="a second attempt", within=WITHIN)
        await run_pods(world, 2, nodes=1)
        await report(world, 2, 6)
        await finish(world, 2, nodes=1)
        await world.condition(TRAINING_JOB, NAME, "Succeeded")
        await verify(world)
        await world.condition(MODEL_VERSION, "ranker-v1", "Ready")
        await world.eventually(lambda: _over(world), what="the Incident is over")
        causes = [(a["attempt"], a["cause"]) for a in (await job(world))["status"]["attempts"]]
        assert causes == [(1, "Hung"), (2, "Completed")]
        await reap(world)

    numbers = ("spec.summary", "status.attempts.*.message", "status.suspects.*.detail")
    await replay(Scenario(play, ignore=numbers), lab)


async def _attempt(world: World, number: int) -> bool:
    return bool((await job(world))["status"]["attempt"] == number)


async def _over(world: World) -> bool:
    return incident_ends(await world.list(INCIDENT)) == [("TrainingHang", True)]
