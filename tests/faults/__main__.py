"""Runs many seeds side by side, prints how it goes, and writes what was found as claims."""

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from faults.bugs import BUGS
from faults.diary import DiaryHandler
from faults.pace import Pace, pace
from faults.run import CONVERGENCE_SECONDS, Outcome, run_seed
from harness.definitions import install_serving_crds
from harness.lab import Lab, kubeconfig, prepare
from shipway.kube.client import Client

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "benchmarks" / "results" / "faults.json"
DIARIES = ROOT / "build" / "faults"
SEEDS = 200


def main() -> int:
    """Run; 0 when every claim holds."""
    options = _arguments()
    further = [logging.StreamHandler()] if options.verbose else []
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s", handlers=[DiaryHandler(), *further])
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # the proxy breaks connections off on purpose
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    os.environ.setdefault("SHIPWAY_TEST_LAB", "faults")
    with kubeconfig() as (path, audit_log), tempfile.TemporaryDirectory() as folder:
        lab = asyncio.run(_prepared(path, audit_log, Path(folder)))
        outcomes = asyncio.run(_run_all(list(seeds), lab, options))
    claims = _claims(outcomes)
    for claim in claims:
        print(f"{'ok  ' if claim['holds'] else 'FAIL'} {claim['name']}: {claim['value']} {claim['unit']}")
    if options.seed is None and options.write:
        _write(outcomes, claims, options.write)
    return 0 if all(claim["holds"] for claim in claims if options.seed is None or claim["name"] != "seeds") else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--jobs", type=int, default=6, help="how many side by side (default: %(default)s)")
    parser.add_argument("--verbose", action="store_true", help="with the operators' logs")
    parser.add_argument("--diaries", type=Path, default=DIARIES, help="where runs that break a rule are told in full")
    parser.add_argument("--write", type=Path, default=RESULT, help="where the claims go")
    return parser.parse_args()


async def _prepared(path: Path, audit_log: Path, folder: Path) -> Lab:
    lab = await prepare(path, audit_log)
    await install_serving_crds(lab, folder)
    return lab


async def _run_all(seeds: list[int], lab: Lab, options: argparse.Namespace) -> list[Outcome]:
    began, done, room = time.monotonic(), 0, asyncio.Semaphore(options.jobs)

    async def one(seed: int, measured: Pace) -> Outcome:
        nonlocal done
        async with room:
            outcome = await run_seed(seed, lab, measured)
        done += 1
        seconds = time.monotonic() - began
        print(f"[{done}/{len(seeds)}, {seconds:.0f} s] {_line(outcome)}", flush=True)
        if outcome.diary:
            options.diaries.mkdir(parents=True, exist_ok=True)
            (options.diaries / f"seed-{seed}.log").write_text(outcome.diary)
        return outcome

    async with Client.connect(lab.admin) as client, pace(client) as measured, asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(seed, measured)) for seed in seeds]
    return [task.result() for task in tasks]


def _line(outcome: Outcome) -> str:
    weather = outcome.weather
    end = "namespace deleted" if weather.ends_namespace else f"converged in {outcome.convergence_seconds:.1f} s"
    lives = f"{outcome.operators} operators ({outcome.killed} killed, {outcome.ended} ended)"
    text = f"seed {outcome.seed} {weather.story}: {outcome.faults.total()} faults, {lives}, {end}"
    return text + "".join(f"\n    VIOLATION {sentence}" for sentence in outcome.violations)


def _claims(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    slowest = round(max(outcome.convergence_seconds for outcome in outcomes), 1)
    broken = sum(len(outcome.violations) for outcome in outcomes)
    leaked = sum(outcome.leaked for outcome in outcomes)
    return [
        _claim("seeds", len(outcomes), "runs", f">= {SEEDS}", holds=len(outcomes) >= SEEDS),
        _claim("invariant_violations", broken, "", "0", holds=broken == 0),
        _claim("bugs_found", len(BUGS), "bugs", "reported", holds=True),
        _claim("max_convergence_seconds", slowest, "s", "<= 30", holds=slowest <= CONVERGENCE_SECONDS),
        _claim("leaked_objects", leaked, "objects", "0", holds=leaked == 0),
    ]


def _claim(name: str, value: float, unit: str, limit: str, *, holds: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "limit": limit, "holds": holds}


def _write(outcomes: list[Outcome], claims: list[dict[str, Any]], path: Path) -> None:
    faults = sum((outcome.faults for outcome in outcomes), start=type(outcomes[0].faults)())
    machine = {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    facts = {
        "faults_by_kind": dict(sorted(faults.items())),
        "operators": sum(outcome.operators for outcome in outcomes),
        "operators_killed": sum(outcome.killed for outcome in outcomes),
        "operators_ended_by_themselves": sum(outcome.ended for outcome in outcomes),
        "object_versions_checked": sum(outcome.changes for outcome in outcomes),
        "bugs": [{"seed": bug.seed, "what": bug.what} for bug in BUGS],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "claims": claims, "facts": facts}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
