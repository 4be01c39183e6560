"""The control plane under load: `make bench-control-plane`, or this folder as a program. See README.md."""

import argparse
import asyncio
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from burst import Burst, burst, clear
from churn import churn
from claims import OURS, claims
from cluster import Cluster, cluster
from disturbances import delays
from phases import queue_latency, quiet, restart, single
from ranges import out_of_range
from shards import NAMESPACES, shards
from subjects import SUBJECTS, Subject

from shipway_lab.parts.kubernetes import VERSION

RESULTS = Path(__file__).resolve().parents[1] / "results" / "control-plane.json"
QUICK = 200


def main() -> int:
    """Run, print, write the results; 1 when a quick run is out of range."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK} objects, held against ranges.yaml, nothing written"
    )
    parser.add_argument("--sizes", default="200,1000", help="numbers of objects (default: 200,1000)")
    parser.add_argument("--subjects", default="job,trainingjob", help=f"what to create: {', '.join(SUBJECTS)}")
    parser.add_argument("--add", action="store_true", help="keep what the output holds of other subjects and sizes")
    parser.add_argument("--quiet-seconds", type=float, default=130, help="how long standing still is watched")
    parser.add_argument("--namespaces", type=int, default=100)
    parser.add_argument("--shards", type=int, default=0, metavar="N", help="only two operators against one, N objects")
    parser.add_argument("--name", default="bench", help="name of the lab")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    sizes = [QUICK] if arguments.quick else sorted(int(word) for word in arguments.sizes.split(","))
    run = Run(sizes, arguments.subjects.split(","), quiet_seconds=20 if arguments.quick else arguments.quiet_seconds)
    if arguments.add:
        run.keep(json.loads(arguments.output.read_text()))
    if arguments.shards:
        asyncio.run(run.shards(arguments.name, arguments.shards))
    else:
        asyncio.run(run.all(arguments.name, arguments.namespaces))
    if arguments.quick:
        print(*(problems := run.problems()), sep="\n")
        return 1 if problems else 0
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(json.dumps(run.results(), indent=1) + "\n")
    return 0


class Run:
    """All subjects at all sizes on one control plane.

    Args:
        sizes: Numbers of objects.
        subjects: Names of what to create.
        quiet_seconds: How long standing still is watched.
    """

    def __init__(self, sizes: list[int], subjects: list[str], *, quiet_seconds: float) -> None:
        self._sizes = sizes
        self._subjects = subjects
        self._quiet_seconds = quiet_seconds
        self._bursts: dict[tuple[str, int], Burst] = {}
        self._queues: dict[str, dict[str, float]] = {}
        self._phases: dict[str, Any] = {}

    async def all(self, name: str, namespaces: int) -> None:
        """Measure one kind after the other, each on a fresh control plane with nothing beside it but its operators."""
        for word in self._subjects:
            subject = SUBJECTS[word]
            async with cluster(name, namespaces=namespaces, parts=subject.parts) as where:
                for resource, needed in subject.needs:
                    await where.client.create(resource, needed)
                for objects in self._sizes:
                    await (self._ours if word == OURS else self._theirs)(where, subject, objects)

    async def shards(self, name: str, objects: int) -> None:
        """Measure two operators against one."""
        async with cluster(name, namespaces=NAMESPACES) as where:
            self._phases["shards"] = self._say("shards", await shards(where, SUBJECTS[OURS], objects))

    def keep(self, earlier: dict[str, Any]) -> None:
        """Start from the results of an earlier run on this machine; what is measured again replaces them."""
        self._bursts = {(found["subject"], found["objects"]): Burst.from_json(found) for found in earlier["bursts"]}
        self._queues, self._phases = earlier["queue"], earlier["phases"]

    def problems(self) -> list[str]:
        """What is out of range."""
        return out_of_range(self._bursts, self._phases)

    def results(self) -> dict[str, Any]:
        """Everything measured, the claims first."""
        return {
            "machine": _machine(),
            "claims": claims(self._bursts, self._phases),
            "bursts": [result.to_json() for result in self._bursts.values()],
            "queue": self._queues,
            "phases": self._phases,
        }

    async def _theirs(self, where: Cluster, subject: Subject, objects: int) -> None:
        self._note(await burst(where, subject, objects))
        if objects != self._sizes[-1]:
            await clear(where, subject)

    async def _ours(self, where: Cluster, subject: Subject, objects: int) -> None:
        last = objects == self._sizes[-1]
        async with where.operator() as operator:
            if objects == self._sizes[0]:
                self._phases["single"] = self._say("single", await single(where, subject))
                await clear(where, subject)
                self._phases["delays"] = self._say("delays", await delays(where, subject))
            self._note(await burst(where, subject, objects))
            self._queues[str(objects)] = self._say("queue", await queue_latency(operator))
            if last:
                found = {"objects": objects, **await quiet(where, seconds=self._quiet_seconds)}
                self._phases["quiet"] = self._say("quiet", found)
            if last and objects > QUICK:
                changed = {"objects": objects, **await churn(where, subject, objects)}
                self._phases["churn"] = self._say("churn", changed)
            else:
                await clear(where, subject)
        if last:
            again = {"objects": objects, **await restart(where, objects=objects)}
            self._phases["restart"] = self._say("restart", again)

    def _note(self, result: Burst) -> None:
        self._bursts[result.subject, result.objects] = result
        self._say(f"{result.objects} of {result.subject}", result.to_json())

    def _say(self, what: str, found: Any) -> Any:
        print(f"{what}: {json.dumps(found)}", flush=True)
        return found


def _machine() -> dict[str, Any]:
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    model = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":"
    )
    return {
        "cpus": os.cpu_count(),
        "cpu": model.partition(":")[2].strip(),
        "memory_gib": round(int(memory.split()[1]) / 2**20, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "kubernetes": VERSION,
        "load_at_end": [round(value, 1) for value in os.getloadavg()],
        "shared": "other work ran beside it at the same time; `others` in each burst is its processor time",
    }


if __name__ == "__main__":
    sys.exit(main())
