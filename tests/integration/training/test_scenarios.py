"""Stories of a TrainingJob on the real API server, each told again with the operator killed after each write."""

import pytest

from harness.builders import DIGEST, model_version
from harness.lab import Lab
from harness.replay import Play, Scenario, World, replay
from integration.training.players import NAME, TRACE, create_job, fail, finish, job, reap, run_pods, verify
from shipway.controllers.trainingjob.checks import SETTLE_SECONDS
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME
from shipway.kube.resource import ENDPOINT_SLICE, MODEL_VERSION, POD, SERVICE, TRAINING_JOB


def told(play: Play) -> Scenario:
    async def to_the_end(world: World) -> None:
        await play(world)
        await reap(world)

    return Scenario(to_the_end, ignore=("status.suspendedSeconds",))


pytestmark = pytest.mark.lab


async def test_success_publishes_a_verified_version(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world)
        await run_pods(world, 1)
        await finish(world, 1)
        await world.condition(TRAINING_JOB, NAME, "Succeeded", reason="Completed")
        await verify(world)
        await world.condition(MODEL_VERSION, "ranker-v1", "Ready", reason="Verified")
        status = (await job(world))["status"]
        assert status["lossTraceDigest"] == TRACE
        assert status["modelVersion"] == "ranker-v1"
        version = await world.get(MODEL_VERSION, "ranker-v1")
        assert "ownerReferences" not in version["metadata"]
        assert version["spec"]["digest"] == version["status"]["verifiedDigest"] == DIGEST
        assert version["spec"]["lineage"]["trainingJob"]["uid"] == (await job(world))["metadata"]["uid"]

    await replay(told(play), lab)


async def test_a_killed_pod_costs_one_restart(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world)
        await run_pods(world, 1)
        world.clock.advance(SETTLE_SECONDS)
        await world.delete(POD, f"{NAME}-1-1")
        await run_pods(world, 2)
        await finish(world, 2)
        await world.condition(TRAINING_JOB, NAME, "Succeeded")
        await verify(world)
        await world.condition(MODEL_VERSION, "ranker-v1", "Ready")
        status = (await job(world))["status"]
        assert status["restarts"] == 1
        assert [(a["attempt"], a["cause"]) for a in status["attempts"]] == [(1, "PodDeleted"), (2, "Completed")]
        assert await world.get(SERVICE, SERVICE_NAME)
        (endpoint,) = (await world.get(ENDPOINT_SLICE, f"{NAME}-2-0"))["endpoints"]
        assert endpoint["hostname"] == f"{NAME}-2-0"

    await replay(told(play), lab)


async def test_a_program_that_always_fails_uses_its_restarts_and_no_more(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world, maxRestarts=1, nodes=1)
        for attempt in (1, 2):
            await run_pods(world, attempt, nodes=1)
            await fail(world, attempt, 0, exit_code=1, message='{"error":{"reason":"DataMissing","message":"no rows"}}')
        await world.condition(TRAINING_JOB, NAME, "Failed", reason="BackoffLimitExceeded")
        failed = next(c for c in (await job(world))["status"]["conditions"] if c["type"] == "Failed")
        assert "DataMissing: no rows" in failed["message"]
        assert await world.find(POD, f"{NAME}-3-0") is None

    await replay(told(play), lab)


async def test_the_deadline_stops_the_pods(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world, activeDeadlineSeconds=600)
        await run_pods(world, 1)
        world.clock.advance(600)
        await world.condition(TRAINING_JOB, NAME, "Failed", reason="DeadlineExceeded")
        await world.eventually(lambda: _none(world), what="no pod is left")

    await replay(told(play), lab)


async def test_suspend_and_resume_cost_no_restart(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world, maxRestarts=0)
        await run_pods(world, 1)
        await world.patch(TRAINING_JOB, NAME, {"spec": {"suspend": True}})
        await world.condition(TRAINING_JOB, NAME, "Ready", reason="Suspended")
        await world.eventually(lambda: _none(world), what="no pod is left")
        await world.patch(TRAINING_JOB, NAME, {"spec": {"suspend": False}})
        await run_pods(world, 2)
        status = (await job(world))["status"]
        assert (status["attempt"], status["restarts"]) == (2, 0)

    await replay(told(play), lab)


async def test_an_invalid_result_fails_the_job(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world)
        await run_pods(world, 1)
        await finish(world, 1, message="done!")
        await world.condition(TRAINING_JOB, NAME, "Failed", reason="ResultInvalid")
        assert await world.find(MODEL_VERSION, "ranker-v1") is None

    await replay(told(play), lab)


async def test_a_version_somebody_else_made_is_a_conflict_and_stays(lab: Lab):
    async def play(world: World) -> None:
        await create_job(world)
        await run_pods(world, 1)
        other = "sha256:" + "f" * 64
        await world.create(MODEL_VERSION, model_version("v1", digest=other))
        await world.settle()
        await finish(world, 1)
        await world.condition(TRAINING_JOB, NAME, "Failed", reason="VersionConflict")
        await verify(world, other)
        await world.condition(MODEL_VERSION, "ranker-v1", "Ready")

    await replay(told(play), lab)


async def _none(world: World) -> bool:
    return not await world.list(POD)
