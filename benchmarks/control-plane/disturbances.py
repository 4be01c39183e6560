"""What a bad neighbour costs everybody else: one that changes all the time, some that fail, some that are huge."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from burst import clear
from cluster import Cluster
from phases import one
from subject import Subject

from shipway.kube.errors import ApiError
from shipway.kube.resource import Object

BYSTANDERS = 10
HOT_CHANGES_PER_SECOND = 50
POISONED, GIANTS = 20, 4
GIANT_ARGUMENTS, GIANT_ARGUMENT_BYTES = 28, 32_000
Disturbance = Callable[[Cluster, Subject], AbstractAsyncContextManager[None]]


async def delays(cluster: Cluster, subject: Subject) -> dict[str, float]:
    """The longest of some bystanders' waits from create to pods, beside each of the disturbances; seconds."""
    found = {}
    for name, disturbance in (("hot", _hot), ("poisoned", _poisoned), ("giant", _giant)):
        async with disturbance(cluster, subject):
            waits = [
                (await one(cluster, subject, f"beside-{name}-{number}", number)).apply_to_pods
                for number in range(BYSTANDERS)
            ]
        found[f"{name}_object_delay_s"] = round(max(waits), 3)
        await clear(cluster, subject)
    return found


@asynccontextmanager
async def _hot(cluster: Cluster, subject: Subject) -> AsyncIterator[None]:
    """One object that somebody annotates fifty times a second."""
    namespace, name = cluster.namespaces[0], "hot"
    await cluster.client.create(subject.resource, subject.make(name, namespace))

    async def change() -> None:
        for number in range(1_000_000):
            patch = {"metadata": {"annotations": {"benchmark/number": str(number)}}}
            with suppress(ApiError):
                await cluster.client.merge_patch(subject.resource, namespace, name, patch)
            await asyncio.sleep(1 / HOT_CHANGES_PER_SECOND)

    async with _meanwhile(change()):
        yield


@asynccontextmanager
async def _poisoned(cluster: Cluster, subject: Subject) -> AsyncIterator[None]:
    """Objects whose pods the API server refuses, again and again."""
    for number in range(POISONED):
        poisoned = subject.make(f"poisoned-{number}", cluster.namespaces[0])
        poisoned["spec"]["serviceAccountName"] = "nobody"
        await cluster.client.create(subject.resource, poisoned)
    yield


@asynccontextmanager
async def _giant(cluster: Cluster, subject: Subject) -> AsyncIterator[None]:
    """Objects of almost a megabyte, whose pods are as large, made one after the other."""
    made = 0

    async def make() -> None:
        nonlocal made
        while made < GIANTS:
            await cluster.client.create(subject.resource, _huge(subject, f"giant-{made}", cluster.namespaces[0]))
            made += 1
            await asyncio.sleep(0.5)

    async with _meanwhile(make()):
        yield
    if not made:
        raise RuntimeError("no giant was made while the others were measured")


def _huge(subject: Subject, name: str, namespace: str) -> Object:
    obj = subject.make(name, namespace)
    del obj["spec"]["recipe"]
    obj["spec"]["command"] = ["python"]
    obj["spec"]["args"] = ["x" * GIANT_ARGUMENT_BYTES] * GIANT_ARGUMENTS
    return obj


@asynccontextmanager
async def _meanwhile(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(ended, Exception) and not isinstance(ended, asyncio.CancelledError):
        raise ended
