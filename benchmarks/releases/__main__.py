"""Releases under traffic, ours beside Argo Rollouts': `make bench-releases`. See README.md."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.pages import aligned
from benchmarks.releases.answers import Run
from benchmarks.releases.argo import Argo
from benchmarks.releases.claims import OURS, claims
from benchmarks.releases.disturbances import REPLICAS, Disturber
from benchmarks.releases.ours import Ours
from benchmarks.releases.plans import simulated
from benchmarks.releases.ranges import out_of_range
from benchmarks.releases.report import filled, report
from benchmarks.releases.runs import Runner
from benchmarks.releases.scenarios import SCENARIOS, Scenario
from benchmarks.releases.settings import SETTINGS
from benchmarks.releases.stage import Stage, stage
from shipway_demo.claims import machine
from shipway_lab.parts.kubernetes import VERSION

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "releases.json"
PAGE = ROOT / "docs" / "release-speed.md"
DISTURBED, SIMULATED = "disturbed", "simulated"
QUICK_RUNS = 3
SEED = 1


def main() -> int:
    """Run, print, write the results; 1 when a quick run is out of range."""
    given = _arguments()
    if given.report:
        PAGE.write_text(filled(PAGE.read_text(), found := json.loads(given.output.read_text())))
        print(aligned(report(found)))
        return 0
    results = Results(None if given.quick else given.output)
    if given.add:
        results.keep(json.loads(given.output.read_text()))
    if given.quick:
        asyncio.run(_live(given.name, [replace(SCENARIOS["from-start"], runs=QUICK_RUNS)], [], results))
        print(*(problems := out_of_range(results.runs)), sep="\n")
        return 1 if problems else 0
    wanted = given.scenarios.split(",")
    live = [_times(SCENARIOS[name], given.runs) for name in wanted if name in SCENARIOS]
    peers = [name for name in given.peer.split(",") if name]
    if SIMULATED in wanted:
        results.draw(given.simulated_runs)
    if live:
        asyncio.run(_live(given.name, live, peers, results))
    if DISTURBED in wanted:
        asyncio.run(_disturbed(given.name, results, requests=given.requests, outage_seconds=given.outage_seconds))
    print(aligned(report(results.body())))
    return 0


class Results:
    """All that was measured, written after every run.

    Args:
        output: Where to; nowhere if None.
    """

    def __init__(self, output: Path | None) -> None:
        self._output = output
        self.runs: list[Run] = []
        self._disturbed: list[dict[str, Any]] = []
        self._simulated: dict[str, Any] = {}

    def keep(self, earlier: dict[str, Any]) -> None:
        """Go on from the results of earlier runs on this machine."""
        self.runs = [Run.from_json(found) for found in earlier["runs"]]
        self._disturbed, self._simulated = earlier["disturbed"], earlier["simulated"]

    def note(self, run: Run) -> None:
        """One more release."""
        self.runs.append(run)
        self._say(run.to_json())

    def disturbed(self, found: dict[str, Any]) -> None:
        """One more time under disturbances."""
        self._disturbed.append(found)
        self._say(found)

    def draw(self, runs: int) -> None:
        """Simulate."""
        self._simulated = simulated(runs=runs, seed=SEED, processes=2)
        self._say(self._simulated)

    def body(self) -> dict[str, Any]:
        """Everything, the claims first."""
        return {
            "machine": {**machine(), "kubernetes": VERSION, "load_at_end": round(os.getloadavg()[0], 1)},
            "claims": claims(self.runs, self._disturbed, self._simulated),
            "disturbed": self._disturbed,
            "simulated": self._simulated,
            "runs": [run.to_json() for run in self.runs],
        }

    def _say(self, found: dict[str, Any]) -> None:
        print(json.dumps(found), flush=True)
        if self._output is not None:
            self._output.write_text(json.dumps(self.body(), indent=1) + "\n")


async def _live(lab: str, scenarios: Sequence[Scenario], peers: Sequence[str], results: Results) -> None:
    """One lab for all: ours first, then each setting of the peer with the machine to itself."""
    async with stage(lab, parts=("argo-rollouts",) if peers else ()) as where:
        await _ours(where, scenarios, results)
        for setting in peers:
            await _peer(where, setting, scenarios, results)


async def _ours(where: Stage, scenarios: Sequence[Scenario], results: Results) -> None:
    rows: dict[bool, list[Runner]] = {True: [], False: []}
    for scenario in scenarios:
        lanes = rows[scenario.lean]
        while len(lanes) < scenario.abreast:
            lanes.append(await _prepared(where, Ours(where, lane=len(lanes), lean=scenario.lean)))
        turns = iter(range(scenario.runs))
        async with asyncio.TaskGroup() as abreast:
            for lane in lanes[: scenario.abreast]:
                abreast.create_task(_take_turns(lane, scenario, turns, results))


async def _prepared(where: Stage, contestant: Ours | Argo) -> Runner:
    await contestant.install()
    runner = Runner(where, contestant)
    await runner.prepare()
    return runner


async def _take_turns(runner: Runner, scenario: Scenario, turns: Iterator[int], results: Results) -> None:
    for _ in turns:
        results.note(await runner.run(scenario))


async def _peer(where: Stage, setting: str, scenarios: Sequence[Scenario], results: Results) -> None:
    argo = Argo(where, setting)
    runner = await _prepared(where, argo)
    for scenario in scenarios:
        await _take_turns(runner, scenario, iter(range(scenario.peer_runs)), results)
    await argo.remove()


async def _disturbed(lab: str, results: Results, *, requests: int, outage_seconds: float) -> None:
    async with stage(lab) as where:
        runner = await _prepared(where, Ours(where, replicas=REPLICAS))
        found = await Disturber(runner, outage_seconds).disturb(requests=requests)
        results.disturbed(found.to_json())


def _times(scenario: Scenario, runs: int | None) -> Scenario:
    if runs is None:
        return scenario
    return replace(scenario, runs=runs, peer_runs=runs if scenario.peer_runs else 0)


def _arguments() -> argparse.Namespace:
    every = ",".join((*SCENARIOS, SIMULATED, DISTURBED))
    parser = argparse.ArgumentParser(prog="make bench-releases ARGS=", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_RUNS} bad releases, held against ranges.yaml, nothing written"
    )
    parser.add_argument("--scenarios", default=every, help=f"what to release (default: {every})")
    parser.add_argument("--runs", type=int, help="of each scenario (default: as the scenario says)")
    parser.add_argument(
        "--peer", default="s60,s30", help=f"settings of Argo Rollouts, of {','.join(SETTINGS)}; empty for {OURS} alone"
    )
    parser.add_argument("--simulated-runs", type=int, default=1000, help="of each story under each rule")
    parser.add_argument("--requests", type=int, default=100_000, help="under disturbances, at the least")
    parser.add_argument("--outage-seconds", type=float, default=600, help="without an operator")
    parser.add_argument("--add", action="store_true", help="keep what the output holds and add to it")
    parser.add_argument("--name", default="release-bench", help="name of the lab")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument(
        "--report", action="store_true", help=f"measure nothing: put the output's figures into {PAGE.name}"
    )
    given = parser.parse_args()
    unknown = [name for name in given.scenarios.split(",") if name not in every.split(",")]
    unknown += [name for name in given.peer.split(",") if name and name not in SETTINGS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: choose scenarios from {every} and settings from {','.join(SETTINGS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
