"""What many runs have shown, as claims with their limits and the facts behind them."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults.bugs import BUGS
from faults.run import CONVERGENCE_SECONDS, Outcome
from shipway_lab.parts.kubernetes import VERSION

ENOUGH_SEEDS = 200


def claims(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What is promised, and whether it holds."""
    slowest = round(max(outcome.convergence_seconds for outcome in outcomes), 1)
    broken = sum(len(outcome.violations) for outcome in outcomes)
    leaked = sum(outcome.leaked for outcome in outcomes)
    return [
        _claim("seeds", len(outcomes), "runs", f"≥{ENOUGH_SEEDS}", holds=len(outcomes) >= ENOUGH_SEEDS),
        _claim("invariant_violations", broken, "violations", "0", holds=broken == 0),
        _claim("bugs_found", len(BUGS), "bugs", "reported", holds=True),
        _claim(
            "max_convergence_seconds", slowest, "s", f"≤{CONVERGENCE_SECONDS:g}", holds=slowest <= CONVERGENCE_SECONDS
        ),
        _claim("leaked_objects", leaked, "objects", "0", holds=leaked == 0),
    ]


def facts(outcomes: Sequence[Outcome], *, seconds: float) -> dict[str, Any]:
    """What lies behind the claims.

    Args:
        outcomes: Of all seeds.
        seconds: How long they took altogether.
    """
    by_time = sorted(outcome.convergence_seconds for outcome in outcomes)
    lost = sum(outcome.convergence_on_the_wall - outcome.convergence_seconds for outcome in outcomes)
    on_the_wall = sum(outcome.convergence_on_the_wall for outcome in outcomes)
    return {
        "seconds": round(seconds),
        "stories": dict(sorted(Counter(outcome.weather.story for outcome in outcomes).items())),
        "namespaces_deleted_under_way": sum(outcome.weather.ends_namespace for outcome in outcomes),
        "median_convergence_seconds": round(by_time[len(by_time) // 2], 1),
        "max_convergence_seconds_on_the_wall": round(max(outcome.convergence_on_the_wall for outcome in outcomes), 1),
        "share_of_convergence_lost_to_load": round(lost / on_the_wall, 3) if on_the_wall else 0.0,
        "faults": sum(outcome.faults.total() for outcome in outcomes),
        "faults_by_kind": dict(sorted(sum((outcome.faults for outcome in outcomes), Counter[str]()).items())),
        "deeds_by_kind": dict(sorted(sum((outcome.deeds for outcome in outcomes), Counter[str]()).items())),
        "operators": sum(outcome.operators for outcome in outcomes),
        "operators_killed": sum(outcome.killed for outcome in outcomes),
        "operators_ended_by_themselves": sum(outcome.ended for outcome in outcomes),
        "object_versions_checked": sum(outcome.changes for outcome in outcomes),
        "bugs": [{"seed": bug.seed, "what": bug.what} for bug in BUGS],
    }


def machine() -> dict[str, Any]:
    """Where it was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpus": os.cpu_count(),
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "kubernetes": VERSION,
        "load_at_end": [round(value, 1) for value in os.getloadavg()],
    }


def _claim(name: str, value: float, unit: str, limit: str, *, holds: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "limit": limit, "holds": holds}
