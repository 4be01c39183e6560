"""The control plane under load: `make bench-control-plane`, or this folder as a program. See README.md."""

import argparse
import asyncio
import json
import os
import platform
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from apart import APART, SHARDED
from burst import Burst, burst, clear
from churn import churn
from claims import FLOOR, OURS, claims, growth
from cluster import Cluster, cluster
from disturbances import delays
from phases import queue_latency, quiet, restart, single
from players import playing
from ranges import out_of_range
from report import filled, report
from subject import Subject
from subjects import SUBJECTS

from benchmarks.pages import aligned
from shipway_lab.parts.kubernetes import VERSION

RESULTS = Path(__file__).resolve().parents[1] / "results" / "control-plane.json"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
QUICK = 200


def main() -> int:
    """Run, print, write the results; 1 when a quick run is out of range."""
    every = (*SUBJECTS, *APART)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK} objects, held against ranges.yaml, nothing written"
    )
    parser.add_argument("--sizes", help="numbers of objects (default: as many as each kind carries in minutes)")
    parser.add_argument("--subjects", help=f"what to create (default: {','.join(every)})")
    parser.add_argument(
        "--rounds", type=int, default=1, help="measure so often, kind by kind; phases the first time only"
    )
    parser.add_argument("--add", action="store_true", help="keep what the output holds of other subjects and sizes")
    parser.add_argument("--quiet-seconds", type=float, default=130, help="how long standing still is watched")
    parser.add_argument("--namespaces", type=int, default=100)
    parser.add_argument("--name", default="bench", help="name of the lab")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument(
        "--report", action="store_true", help=f"measure nothing: put the output's figures into {PAGE.name}"
    )
    arguments = parser.parse_args()
    if arguments.report:
        PAGE.write_text(filled(PAGE.read_text(), found := json.loads(arguments.output.read_text())))
        print(aligned(report(found)))
        return 0
    run = Run(quiet_seconds=20 if arguments.quick else arguments.quiet_seconds)
    if arguments.add:
        run.keep(json.loads(arguments.output.read_text()))
    names = [FLOOR, OURS] if arguments.quick else (arguments.subjects or ",".join(every)).split(",")
    sizes = str(QUICK) if arguments.quick else arguments.sizes
    for name in names * (1 if arguments.quick else arguments.rounds):
        asyncio.run(run.measure(name, arguments.name, arguments.namespaces, _sizes(name, sizes)))
        if not arguments.quick:
            arguments.output.parent.mkdir(exist_ok=True)
            arguments.output.write_text(json.dumps(run.results(), indent=1) + "\n")
    if arguments.quick:
        print(*(problems := run.problems()), sep="\n")
        return 1 if problems else 0
    print(aligned(report(run.results())))
    return 0


def _sizes(name: str, wanted: str | None) -> tuple[int, ...]:
    if wanted:
        return tuple(sorted(int(word) for word in wanted.split(",")))
    return (SHARDED,) if name in APART else SUBJECTS[name].sizes


class Run:
    """Measures one kind after the other, each on a fresh control plane with nothing beside it but its operators.

    Args:
        quiet_seconds: How long standing still is watched.
    """

    def __init__(self, *, quiet_seconds: float) -> None:
        self._quiet_seconds = quiet_seconds
        self._bursts: dict[tuple[str, int], list[Burst]] = {}
        self._earlier: dict[tuple[str, int], list[Burst]] = {}
        self._queues: dict[str, dict[str, float]] = {}
        self._phases: dict[str, Any] = {}

    async def measure(self, name: str, lab: str, namespaces: int, sizes: tuple[int, ...]) -> None:
        """Measure a subject at all sizes, or two operators against one.

        Args:
            name: The subject's, or one of what is measured apart.
            lab: Name of the lab that is started for it.
            namespaces: How many there are.
            sizes: Numbers of objects, small to large.
        """
        if apart := APART.get(name):
            async with cluster(lab, namespaces=apart.namespaces or namespaces, parts=apart.parts) as where:
                self._phases[name] = self._say(name, await apart.measure(where, sizes[-1]))
            return
        subject = SUBJECTS[name]
        async with cluster(lab, namespaces=namespaces, parts=subject.parts) as where:
            if subject.prepare:
                await subject.prepare(where.lab)
            for objects in sizes:
                first = (name, objects) not in self._bursts
                await (self._every_phase if name == OURS and first else self._burst)(where, subject, objects, sizes)

    def keep(self, earlier: dict[str, Any]) -> None:
        """Start from the results of an earlier run on this machine; what is measured again replaces them."""
        for found in earlier["bursts"]:
            self._earlier.setdefault((found["subject"], found["objects"]), []).append(Burst.from_json(found))
        self._queues, self._phases = earlier["queue"], earlier["phases"]

    def problems(self) -> list[str]:
        """What is out of range."""
        return out_of_range(self._bursts, self._phases)

    def results(self) -> dict[str, Any]:
        """Everything measured, the claims first."""
        bursts = {**self._earlier, **self._bursts}
        return {
            "machine": _machine(),
            "claims": claims(bursts, self._phases),
            "growth": growth(bursts),
            "bursts": [result.to_json() for rounds in bursts.values() for result in rounds],
            "queue": self._queues,
            "phases": self._phases,
        }

    async def _burst(self, where: Cluster, subject: Subject, objects: int, sizes: tuple[int, ...]) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(playing(where.client, subject.players))
            if subject.ours:
                await stack.enter_async_context(where.operator())
            self._note(await burst(where, subject, objects))
            if objects != sizes[-1]:
                await clear(where, subject)

    async def _every_phase(self, where: Cluster, subject: Subject, objects: int, sizes: tuple[int, ...]) -> None:
        last = objects == sizes[-1]
        async with where.operator() as operator:
            if objects == sizes[0]:
                self._phases["single"] = self._say("single", await single(where, subject))
                await clear(where, subject)
                self._phases["delays"] = self._say("delays", await delays(where, subject))
            self._note(await burst(where, subject, objects))
            self._queues[str(objects)] = self._say("queue", await queue_latency(operator))
            lost = operator.log().count("is not held any more")
            self._phases["leases_lost"] = self._say("leases lost", {"objects": objects, "times": lost})
            if last:
                found = {"objects": objects, **await quiet(where, seconds=self._quiet_seconds)}
                self._phases["quiet"] = self._say("quiet", found)
            if last and objects > QUICK:
                changed = {"objects": objects, **await churn(where, subject, objects)}
                self._phases["churn"] = self._say("churn", changed)
            if not last:
                await clear(where, subject)
        if last:
            again = {"objects": objects, **await restart(where, objects=objects)}
            self._phases["restart"] = self._say("restart", again)

    def _note(self, result: Burst) -> None:
        self._bursts.setdefault((result.subject, result.objects), []).append(result)
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
