"""What is measured of our operator alone: one object on an idle cluster, standing still, and starting again."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from burst import SETTLE_SECONDS
from cluster import Cluster
from observer import Seen, observing
from subject import Subject

from harness.lab import OPERATOR_USER
from harness.process import OperatorProcess

SAMPLES = 15
RESTARTS = 3
RESTART_PATIENCE_SECONDS = 180


async def single(cluster: Cluster, subject: Subject) -> dict[str, float]:
    """Milliseconds of one object after the other on an idle cluster, medians.

    `apply_to_pods_ms` runs from the start of the create to the sight of the last pod, `ready_after_pods_ms` from the
    sight of the last running pod to the object's own report. Both are what a watching client sees.
    """
    found = [await one(cluster, subject, f"single-{number:02}", number) for number in range(SAMPLES)]
    return {
        "samples": SAMPLES,
        "apply_to_pods_ms": _milliseconds([sample.apply_to_pods for sample in found]),
        "ready_after_pods_ms": _milliseconds([sample.ready_after_pods for sample in found]),
    }


@dataclass(frozen=True)
class Sample:
    """Seconds of one object, as a watching client sees them."""

    apply_to_pods: float
    ready_after_pods: float


async def one(cluster: Cluster, subject: Subject, name: str, number: int) -> Sample:
    """Create one object and wait until it reports that its pods run.

    Args:
        cluster: Where.
        subject: Its kind.
        name: Its name.
        number: Chooses its namespace.
    """
    namespace = cluster.namespaces[number % len(cluster.namespaces)]
    async with observing(cluster.client, subject) as seen:
        start = time.monotonic()
        await cluster.client.create(subject.resource, subject.make(name, namespace))
        place = (namespace, name)
        if not await seen.until(partial(_complete, seen, place, subject.pods), within=60):
            raise TimeoutError(f"{subject.name} {namespace}/{name} was not ready within 60 s")
        exist, running = (
            [at for pod, at in pods.items() if _belongs(pod, place)] for pods in (seen.exist, seen.running)
        )
        return Sample(max(exist) - start, max(0.0, seen.ready[place] - max(running)))


async def quiet(cluster: Cluster, *, seconds: float) -> dict[str, Any]:
    """Writes of the operator and its share of a core while nothing happens; its Lease left out of the writes."""
    await asyncio.sleep(2 * SETTLE_SECONDS)
    before, since = cluster.meter.read(), time.time()
    await asyncio.sleep(seconds)
    spent = cluster.meter.read().since(before)
    writes = cluster.lab.audit.writes(since, user=OPERATOR_USER)
    return {
        "seconds": seconds,
        "writes": len(writes),
        "examples": [str(entry) for entry in writes[:5]],
        "core_share": round(spent["operator"] / seconds, 4),
        "others": spent["others"],
    }


async def restart(cluster: Cluster, *, objects: int) -> dict[str, float]:
    """A fresh operator over what exists: seconds from its start to its first look at an object and to the last.

    The median of some, by the first look: what the machine does beside takes one of them much longer.
    """
    found = sorted(
        [await _restart(cluster, objects) for _ in range(RESTARTS)], key=lambda each: each["first_reconcile_s"]
    )
    return found[RESTARTS // 2]


async def _restart(cluster: Cluster, objects: int) -> dict[str, float]:
    start = time.monotonic()
    async with cluster.operator() as operator:
        ready = time.monotonic() - start
        first = caught_up = 0.0
        while not caught_up:
            looked = await _metric(operator, "controller_reconcile_total")
            if time.monotonic() - start > RESTART_PATIENCE_SECONDS:
                raise TimeoutError(f"a fresh operator has looked at {looked:g} of {objects} objects so far")
            if looked and not first:
                first = time.monotonic() - start
            if looked >= objects and await _metric(operator, "workqueue_depth") == 0:
                caught_up = time.monotonic() - start
            await asyncio.sleep(0.1)
        cpu = cluster.meter.read().cpu["operator"]
        peak = cluster.meter.peaks()["operator"]
    return {
        "ready_s": round(ready, 2),
        "first_reconcile_s": round(first, 2),
        "caught_up_s": round(caught_up, 2),
        "cpu_s": round(cpu, 2),
        "peak_mib": peak,
    }


async def queue_latency(operator: OperatorProcess) -> dict[str, float]:
    """Passes and the mean time a key waited for its pass, by the operator's own metrics."""
    total = await operator.metric("workqueue_queue_duration_seconds_sum")
    count = await operator.metric("workqueue_queue_duration_seconds_count")
    return {"passes": count, "mean_s": round(total / count, 4) if count else 0.0}


async def _metric(operator: OperatorProcess, name: str) -> float:
    try:
        return await operator.metric(name)
    except OSError:
        return 0.0


def _complete(seen: Seen, place: tuple[str, str], pods: int) -> bool:
    return place in seen.ready and sum(_belongs(pod, place) for pod in seen.running) >= pods


def _belongs(pod: tuple[str, str], place: tuple[str, str]) -> bool:
    return pod[0] == place[0] and pod[1].startswith(f"{place[1]}-")


def _milliseconds(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)
