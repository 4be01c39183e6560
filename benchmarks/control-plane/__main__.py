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
from claims import OURS, claims
from cluster import Cluster, cluster
from phases import queue_latency, quiet, restart, single
from ranges import out_of_range
from subjects import SUBJECTS

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
    parser.add_argument("--namespaces", type=int, default=100)
    parser.add_argument("--name", default="bench", help="name of the lab")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    sizes = [QUICK] if arguments.quick else [int(word) for word in arguments.sizes.split(",")]
    run = Run(sizes, arguments.subjects.split(","), quiet_seconds=20 if arguments.quick else 130)
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
        self._queues: dict[int, dict[str, float]] = {}
        self._phases: dict[str, Any] = {}

    async def all(self, name: str, namespaces: int) -> None:
        """Start the cluster and measure everything."""
        parts = tuple(dict.fromkeys(part for subject in self._subjects for part in SUBJECTS[subject].parts))
        async with cluster(name, namespaces=namespaces, parts=parts) as where:
            for objects in self._sizes:
                for subject in self._subjects:
                    await (self._ours if subject == OURS else self._theirs)(where, subject, objects)

    def problems(self) -> list[str]:
        """What is out of range."""
        return out_of_range(self._bursts, self._phases)

    def results(self) -> dict[str, Any]:
        """Everything measured, the claims first."""
        return {
            "machine": _machine(),
            "claims": claims(self._bursts, self._phases),
            "bursts": [result.to_json() for result in self._bursts.values()],
            "queue": {str(objects): found for objects, found in self._queues.items()},
            "phases": self._phases,
        }

    async def _theirs(self, where: Cluster, name: str, objects: int) -> None:
        self._note(await burst(where, SUBJECTS[name], objects))
        await clear(where, SUBJECTS[name])

    async def _ours(self, where: Cluster, name: str, objects: int) -> None:
        subject, last = SUBJECTS[name], objects == max(self._sizes)
        async with where.operator() as operator:
            if last:
                self._phases["single"] = self._say("single", await single(where, subject))
                await clear(where, subject)
            self._note(await burst(where, subject, objects))
            self._queues[objects] = self._say("queue", await queue_latency(operator))
            if last:
                self._phases["quiet"] = self._say("quiet", await quiet(where, seconds=self._quiet_seconds))
        if last:
            again = {"objects": objects, **await restart(where, objects=objects)}
            self._phases["restart"] = self._say("restart", again)
        async with where.operator():
            await clear(where, subject)

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
