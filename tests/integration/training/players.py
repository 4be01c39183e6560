"""The kubelet and the training programs of a story about a TrainingJob."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from harness.builders import DIGEST, model, pod_status, training_job
from harness.replay import World
from shipway.controllers.trainingjob.controller import TrainingJobController
from shipway.integrations.report import Report
from shipway.kube.errors import ApiError
from shipway.kube.resource import MODEL, POD, TRAINING_JOB, Key, Object

NAME = "ranker-v1"
TRACE = "sha256:" + "c" * 64
VERIFY = f"{NAME}-verify"


def result(digest: str = DIGEST) -> str:
    """What a successful rank 0 leaves."""
    return json.dumps(
        {
            "artifact": {
                "uri": "s3://models/test/ranker/v1",
                "digest": digest,
                "sizeBytes": 4096,
                "format": {"name": "shipway-ranker", "version": "1"},
            },
            "evaluation": [{"name": "auc", "value": "0.7923", "dataset": "movielens-100k/user-tail-20", "slice": ""}],
            "lineage": {"datasets": [{"name": "movielens-100k", "digest": DIGEST}], "codeRevision": "abc", "seed": 7},
            "step": 800,
            "loss": "0.49",
            "lossTraceDigest": TRACE,
        }
    )


async def create_job(world: World, **spec: Any) -> None:
    """A job of two pods with a model to publish to."""
    await world.create(MODEL, model())
    wanted: dict[str, Any] = {"nodes": 2, "output": {"model": "ranker", "version": "v1"}, **spec}
    await world.create(TRAINING_JOB, training_job(NAME, **wanted))


async def run_pods(world: World, attempt: int, nodes: int = 2) -> None:
    """The kubelet starts the pods of an attempt."""
    for rank in range(nodes):
        await act(world, partial(world.set_status, POD, f"{NAME}-{attempt}-{rank}", pod_status("Running")))
    await world.condition(TRAINING_JOB, NAME, "Ready", reason="Running")
    await _created(world, attempt)


async def finish(world: World, attempt: int, message: str | None = None, nodes: int = 2) -> None:
    """All programs of an attempt succeed."""
    for rank in range(nodes):
        said = (result() if message is None else message) if rank == 0 else ""
        status = pod_status("Succeeded", message=said)
        await act(world, partial(world.set_status, POD, f"{NAME}-{attempt}-{rank}", status))


async def report(world: World, attempt: int, step: int) -> None:
    """Rank 0 tells of a step, until the status has it: an operator that dies forgets what it was told."""

    async def told() -> object:
        assert world.operator is not None
        (controller,) = (c for c in world.operator._parts.controllers if isinstance(c, TrainingJobController))
        key = Key(TRAINING_JOB.kind, world.namespace, NAME)
        controller._board.post(key, Report(attempt=attempt, step=step, total_steps=800))
        progress = (await job(world))["status"]["progress"]
        return (progress["attempt"], progress["step"]) == (attempt, step)

    await world.eventually(told, what=f"step {step} of attempt {attempt} is in the status", within=30)


async def fail(world: World, attempt: int, rank: int, **ended: Any) -> None:
    """One program fails."""
    await world.set_status(POD, f"{NAME}-{attempt}-{rank}", pod_status("Failed", **ended))


async def verify(world: World, digest: str = DIGEST) -> None:
    """The verify pod of the version reads the artifact."""
    said = json.dumps({"digest": digest, "files": 2, "sizeBytes": 4096})
    status = pod_status("Succeeded", container="verify", message=said)
    await act(world, lambda: world.set_status(POD, VERIFY, status))


async def reap(world: World) -> None:
    """The kubelet lets go of pods that are being deleted: a killed operator may leave them half-way."""
    await world.settle()
    for pod in await world.list(POD):
        if "deletionTimestamp" in pod["metadata"]:
            await world.delete(POD, pod["metadata"]["name"])


async def job(world: World) -> Object:
    """The job as it is now."""
    return await world.get(TRAINING_JOB, NAME)


async def act(world: World, deed: Callable[[], Awaitable[object]]) -> None:
    """Do something to an object as soon as it is there."""

    async def attempt() -> object:
        try:
            await deed()
        except ApiError as error:
            raise AssertionError(str(error)) from error
        return True

    await world.eventually(attempt, what="an object to act on")


async def _created(world: World, attempt: int) -> None:
    async def look() -> object:
        record = (await job(world))["status"]["attempts"][-1]
        return record["attempt"] == attempt and record.get("podsCreatedAt")

    await world.eventually(look, what=f"attempt {attempt} is known to have had all its pods")
