"""Two operators, each for half of the namespaces, against one for all of them."""

import time
from contextlib import AsyncExitStack
from typing import Any

from burst import burst, clear
from cluster import Cluster
from subject import Subject

NAMESPACES = 10
"""Few, since an operator of some namespaces has a watch per kind in each of them."""
WARM_UP = 100
"""Objects before the clock starts: a process that has just begun opens connections and builds what it keeps."""


async def shards(cluster: Cluster, subject: Subject, objects: int) -> dict[str, Any]:
    """Seconds until all pods run, and processor seconds of the busiest operator, by the number of operators.

    `two_shards_speedup` compares the busiest operators: how much more operators could carry. How much more the whole
    control plane carries is `wall_ratio`; where the API server is the limit, it stays near one.
    """
    few = Cluster(cluster.lab, cluster.client, cluster.meter, cluster.namespaces[:NAMESPACES])
    found = {number: await _with(few, subject, objects, operators=number) for number in (1, 2)}
    one, two = found[1], found[2]
    return {
        "objects": objects,
        "by_operators": {str(number): result for number, result in found.items()},
        "wall_ratio": round(one["pods_running_s"] / two["pods_running_s"], 3),
        "two_shards_speedup": round(one["busiest_cpu_s"] / two["busiest_cpu_s"], 3),
    }


async def _with(cluster: Cluster, subject: Subject, objects: int, *, operators: int) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        for shard in range(operators):
            await stack.enter_async_context(cluster.operator(namespaces=cluster.namespaces[shard::operators]))
        await burst(cluster, subject, WARM_UP)
        await clear(cluster, subject)
        idle = cluster.meter.busiest_operator()
        start = time.monotonic()
        result = await burst(cluster, subject, objects)
        busiest = cluster.meter.busiest_operator() - idle
        found = {
            "pods_running_s": result.pods_running_s,
            "busiest_cpu_s": round(busiest, 2),
            "seconds": round(time.monotonic() - start, 2),
        }
        await clear(cluster, subject)
        return found
