"""Runs many seeds side by side, prints how it goes, and writes what was found as claims."""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from faults.diary import listening
from faults.pace import Pace, pace
from faults.report import ENOUGH_SEEDS, claims, facts, machine
from faults.run import Outcome, run_seed
from harness.definitions import garbage_is_collected, install_serving_crds
from harness.lab import Lab, kubeconfig, prepare
from shipway.kube.client import Client

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "benchmarks" / "results" / "faults.json"
DIARIES = ROOT / "build" / "faults"


def main() -> int:
    """Run; 0 when every claim holds, or, where not all seeds were asked for, when no rule was broken."""
    options = _arguments()
    if options.verbose:
        logging.basicConfig(format="%(name)s %(message)s")
    seeds = [options.seed] * options.times if options.seed is not None else _range(options)
    os.environ.setdefault("SHIPWAY_TEST_LAB", "faults")
    began = time.monotonic()
    with kubeconfig() as (path, audit_log), tempfile.TemporaryDirectory() as folder:
        lab = asyncio.run(_prepared(path, audit_log, Path(folder)))
        with listening():
            outcomes = asyncio.run(_run_all(seeds, lab, options))
    claimed = claims(outcomes)
    for claim in claimed:
        print(f"{'ok  ' if claim['holds'] else 'FAIL'} {claim['name']}: {claim['value']} {claim['unit']}")
    if options.seed is not None:
        return 1 if any(outcome.violations for outcome in outcomes) else 0
    told = facts(outcomes, seconds=time.monotonic() - began)
    options.write.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), "claims": claimed, "facts": told}, indent=1, ensure_ascii=False)
    options.write.write_text(text + "\n")
    return 0 if all(claim["holds"] for claim in claimed) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=ENOUGH_SEEDS, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--times", type=int, default=1, help="how often that one (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=5, help="how many side by side (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="with the operators' logs")
    parser.add_argument("--diaries", type=Path, default=DIARIES, help="where runs that break a rule are told in full")
    parser.add_argument("--write", type=Path, default=RESULT, help="where the claims go")
    return parser.parse_args()


def _range(options: argparse.Namespace) -> Sequence[int]:
    return range(options.first, options.first + options.seeds)


async def _prepared(path: Path, audit_log: Path, folder: Path) -> Lab:
    lab = await prepare(path, audit_log)
    await install_serving_crds(lab, folder)
    await garbage_is_collected(lab)
    return lab


async def _run_all(seeds: Sequence[int], lab: Lab, options: argparse.Namespace) -> list[Outcome]:
    began, done, room = time.monotonic(), 0, asyncio.Semaphore(options.jobs)

    async def one(seed: int, measured: Pace) -> Outcome:
        nonlocal done
        async with room:
            outcome = await run_seed(seed, lab, measured)
        done += 1
        print(f"[{done}/{len(seeds)}, {time.monotonic() - began:.0f} s] {_line(outcome)}", flush=True)
        if outcome.diary:
            options.diaries.mkdir(parents=True, exist_ok=True)
            (options.diaries / f"seed-{seed}-{done}.log").write_text(outcome.diary)
        return outcome

    async with Client.connect(lab.admin) as client, pace(client) as measured, asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(seed, measured)) for seed in seeds]
    return [task.result() for task in tasks]


def _line(outcome: Outcome) -> str:
    took = f"{outcome.convergence_seconds:.1f} s"
    end = f"namespace gone after {took}" if outcome.weather.ends_namespace else f"converged in {took}"
    lives = f"{outcome.operators} operators ({outcome.killed} killed, {outcome.ended} ended)"
    done = f"{outcome.faults.total()} faults, {outcome.deeds.total()} deeds"
    text = f"seed {outcome.seed} {outcome.weather.story}: {done}, {lives}, {end}"
    return text + "".join(f"\n    VIOLATION {sentence}" for sentence in outcome.violations)


if __name__ == "__main__":
    sys.exit(main())
