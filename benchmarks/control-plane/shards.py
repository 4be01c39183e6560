"""Two operators, each for half of the namespaces, against one for all of them."""

import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from burst import burst, clear
from cluster import Cluster
from subject import Subject

from shipway_lab import cgroups

NAMESPACES = 10
"""Few, since an operator of some namespaces has a watch per kind in each of them."""
WARM_UP = 50
"""Objects before the clock starts: a process that has just begun opens connections and builds what it keeps."""
SHARE_OF_A_CORE = 0.08
"""What each operator may use. On a few cores the API server is the limit long before an operator is; so slow, they are
the limit, as they would be beside an API server with many."""
PERIOD_MICROSECONDS = 20_000


async def shards(cluster: Cluster, subject: Subject, objects: int) -> dict[str, Any]:
    """Seconds until all objects say that they run, by the number of operators, each held to the same share of a core.

    `two_shards_speedup` is how much sooner two are done than one.
    """
    few = Cluster(cluster.lab, cluster.client, cluster.meter, cluster.namespaces[:NAMESPACES])
    found = {number: await _with(few, subject, objects, operators=number) for number in (1, 2)}
    return {
        "objects": objects,
        "share_of_a_core": SHARE_OF_A_CORE,
        "by_operators": {str(number): result for number, result in found.items()},
        "two_shards_speedup": round(found[1]["ready_s"] / found[2]["ready_s"], 3),
    }


async def _with(cluster: Cluster, subject: Subject, objects: int, *, operators: int) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        pids = []
        for shard in range(operators):
            process = await stack.enter_async_context(cluster.operator(namespaces=cluster.namespaces[shard::operators]))
            pids.append(process.pid)
        await burst(cluster, subject, WARM_UP)
        await clear(cluster, subject)
        idle = cluster.meter.busiest_operator()
        start = time.monotonic()
        with _held_to(SHARE_OF_A_CORE, pids):
            result = await burst(cluster, subject, objects)
        busiest = cluster.meter.busiest_operator() - idle
        found = {
            "ready_s": result.ready_s,
            "busiest_cpu_s": round(busiest, 2),
            "seconds": round(time.monotonic() - start, 2),
        }
        await clear(cluster, subject)
        return found


@contextmanager
def _held_to(share: float, pids: list[int]) -> Iterator[None]:
    """Let each process use no more than a share of a core, and then as much as before."""
    here = next(hierarchy.here for hierarchy in cgroups.hierarchies() if "cpu" in hierarchy.controllers.split(","))
    folders = [here / f"operator-{os.getpid()}-{pid}" for pid in pids]
    try:
        for pid, folder in zip(pids, folders, strict=True):
            folder.mkdir()
            _write(folder / "cpu.cfs_period_us", PERIOD_MICROSECONDS)
            _write(folder / "cpu.cfs_quota_us", int(PERIOD_MICROSECONDS * share))
            _write(folder / "cgroup.procs", pid)
        yield
    finally:
        for pid, folder in zip(pids, folders, strict=True):
            _write(here / "cgroup.procs", pid)
            folder.rmdir()


def _write(file: Path, value: int) -> None:
    file.write_text(str(value))
