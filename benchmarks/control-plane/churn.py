"""Specs that change all the time: one in a hundred each minute, over everything else that stands still."""

import asyncio
import statistics
import time
from typing import Any

from cluster import Cluster
from subject import Subject

from harness.lab import OPERATOR_USER
from harness.waiting import eventually
from shipway.kube.resource import Object

SHARE_PER_MINUTE = 0.01
MINUTES = 1.0


async def churn(cluster: Cluster, subject: Subject, objects: int) -> dict[str, Any]:
    """Suspend so many objects, evenly over a minute, and let them run again; seconds until they say so.

    Returns:
        `changes`, the median and the longest wait for each direction, the operator's writes per change, its share of a
        core.
    """
    number = max(2, round(objects * SHARE_PER_MINUTE * MINUTES))
    before, since, start = cluster.meter.read(), time.time(), time.monotonic()
    waits: dict[str, list[float]] = {"suspend": [], "resume": []}
    for index in range(number):
        await asyncio.sleep(max(0.0, start + index * 60 * MINUTES / number - time.monotonic()))
        namespace, name = cluster.namespaces[index % len(cluster.namespaces)], f"{subject.name}-{index:05}"
        for what, suspended in (("suspend", True), ("resume", False)):
            waits[what].append(await _change(cluster, subject, namespace, name, suspended=suspended))
    spent = cluster.meter.read().since(before)
    writes = cluster.lab.audit.writes(since, user=OPERATOR_USER)
    return {
        "changes": 2 * number,
        **{f"{what}_p50_s": round(statistics.median(times), 3) for what, times in waits.items()},
        **{f"{what}_max_s": round(max(times), 3) for what, times in waits.items()},
        "writes_per_change": round(len(writes) / (2 * number), 2),
        "core_share": round(spent["operator"] / (time.monotonic() - start), 4),
    }


async def _change(cluster: Cluster, subject: Subject, namespace: str, name: str, *, suspended: bool) -> float:
    start = time.monotonic()
    await cluster.client.merge_patch(subject.resource, namespace, name, {"spec": {"suspend": suspended}})

    async def told() -> Object | None:
        obj = await cluster.client.get(subject.resource, namespace, name)
        reasons = [c["reason"] for c in obj["status"]["conditions"] if c["type"] == "Ready" and c["status"] == "True"]
        return obj if reasons == ["Suspended" if suspended else "Running"] else None

    await eventually(told, within=90, every=0.02, what=f"{namespace}/{name} suspended: {suspended}")
    return time.monotonic() - start
