"""From runs to claims: each with its limit, and whether it holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import ceil
from statistics import median
from typing import Any

from benchmarks.releases.answers import Run
from benchmarks.releases.scenarios import SCENARIOS, Ending
from benchmarks.releases.unreliable import Fault
from shipway.analysis.gates import Tolerance
from shipway.analysis.samples import expected_to_fail
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment import alpha
from shipway_demo.claims import claim

OURS = "shipway"
Number = float | int
LIMITS: Mapping[str, tuple[str, tuple[str, Number]]] = {
    "from_start_runs": ("releases", (">=", 60)),
    "from_start_runs_of_peer": ("releases", (">=", 20)),
    "from_start_median_s": ("s", ("<=", 1.5)),
    "from_start_p95_s": ("s", ("<=", 3)),
    "after_health_median_s": ("s", ("<=", 3)),
    "after_health_p95_s": ("s", ("<=", 5.5)),
    "bad_answers_p95": ("answers", ("<=", 14)),
    "at_10_rps_ratio_to_expected_samples": ("times", ("<=", 2)),
    "at_1000_rps_median_s": ("s", ("<=", 1.5)),
    "latency_p95_s": ("s", ("<=", 12)),
    "shift_p95_s": ("s", ("<=", 30)),
    "subtle_caught_before_100_percent": ("%", (">=", 95)),
    "clients_of_mirrored_versions": ("releases", ("==", 0)),
    "false_aborts_of_1000_AA": ("releases", ("<=", 4)),
    "false_aborts_of_100_live_AA": ("releases", ("<=", 1)),
    "requests_disturbed": ("requests", (">=", 100_000)),
    "requests_asked": ("requests", (">=", 100_000)),
    "requests_lost": ("requests", ("==", 0)),
    "good_release_minutes_default_plan": ("min", ("<=", 10)),
    "rollback_write_to_last_bad_ms_p95": ("ms", ("<=", 500)),
    "noticed_of_bad_releases": ("%", ("==", 100)),
}
CARRIED = 0.99
"""Share of its requests that the client must have sent, or a rate counts as not carried by this machine."""


def claims(runs: Sequence[Run], disturbed: Sequence[Mapping[str, Any]], simulated: Mapping[str, Any]) -> list[Any]:
    """Every claim that the measurements allow, in the order of the limits.

    Args:
        runs: Of all contestants; claims are about ours, and about how many there are of either.
        disturbed: What was asked and lost under disturbances.
        simulated: Endings by story and rule.
    """
    ours = [run for run in runs if run.contestant == OURS]
    peers = [run for run in runs if run.contestant != OURS]
    found = dict([*_often(ours, peers), *_timed(ours), *_counted(ours, disturbed), *_drawn(simulated)])
    return [asdict(claim(name, found[name], unit, limit)) for name, (unit, limit) in LIMITS.items() if name in found]


def of(runs: Sequence[Run], scenario: str) -> list[Run]:
    """The runs of a scenario whose rate the client could keep."""
    return [run for run in runs if run.scenario == scenario and run.not_asked <= (1 - CARRIED) * run.requests]


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed, as one that was measured."""
    return sorted(values)[ceil(0.95 * len(values)) - 1]


def back(runs: Sequence[Run]) -> list[float]:
    """Seconds from the first bad answer to the last answer, of the releases that were taken back for it."""
    return [run.back_s for run in runs if run.back_s is not None]


def expected_samples(fault: Fault) -> float:
    """Answers that a test needs on average if it knows both shares of errors beforehand, at our gate's level."""
    rollout = Rollout.model_validate(SCENARIOS["at-10"].plan.ours())
    ((weight, _),) = SCENARIOS["at-10"].plan.steps
    errors = rollout.gates[0]
    tolerance = Tolerance(
        margin=float(errors.margin),
        min_samples=errors.min_samples,
        alpha=alpha.of_gates(rollout)[errors.name],
        step=alpha.part_of_step(rollout, load=weight),
    )
    return expected_to_fail(tolerance, stable=fault.background, candidate=fault.background + fault.errors)


def _often(ours: Sequence[Run], peers: Sequence[Run]) -> Iterator[tuple[str, Number]]:
    for name, runs in (("from_start_runs", ours), ("from_start_runs_of_peer", peers)):
        if measured := of(runs, "from-start"):
            yield name, len(measured)


def _timed(ours: Sequence[Run]) -> Iterator[tuple[str, Number]]:
    for scenario, name in (("from-start", "from_start"), ("after-health", "after_health")):
        if seconds := back(of(ours, scenario)):
            yield f"{name}_median_s", median(seconds)
            yield f"{name}_p95_s", p95(seconds)
    if seconds := back(of(ours, "at-1000")):
        yield "at_1000_rps_median_s", median(seconds)
    if seconds := back(of(ours, "slow")):
        yield "latency_p95_s", p95(seconds)
    if seconds := back(of(ours, "shifted")):
        yield "shift_p95_s", p95(seconds)
    if good := [run.minutes for run in of(ours, "good") if run.ended is Ending.PROMOTED]:
        yield "good_release_minutes_default_plan", max(good)
    if late := [run.write_to_last_ms for run in ours if run.write_to_last_ms is not None]:
        yield "rollback_write_to_last_bad_ms_p95", p95(late)


def _counted(ours: Sequence[Run], disturbed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Number]]:
    third = [*of(ours, "from-start"), *of(ours, "after-health")]
    if bad := [run.bad_answers for run in third if run.bad_answers is not None]:
        yield "bad_answers_p95", p95(bad)
    if samples := [run.samples for run in of(ours, "at-10") if run.samples is not None]:
        yield "at_10_rps_ratio_to_expected_samples", median(samples) / expected_samples(SCENARIOS["at-10"].fault)
    if mirrored := [*of(ours, "mirrored"), *of(ours, "differing")]:
        yield "clients_of_mirrored_versions", sum(run.first_answer_s is not None for run in mirrored)
    if equal := [run for run in ours if SCENARIOS[run.scenario].ends is not Ending.TAKEN_BACK]:
        yield "false_aborts_of_100_live_AA", 100 * sum(run.ended is Ending.TAKEN_BACK for run in equal) / len(equal)
    if ill := [run for run in ours if SCENARIOS[run.scenario].ends is Ending.TAKEN_BACK]:
        yield "noticed_of_bad_releases", 100 * sum(run.ended is Ending.TAKEN_BACK for run in ill) / len(ill)
    if disturbed:
        yield "requests_disturbed", sum(each["requests"] for each in disturbed)
    if ours or disturbed:
        yield "requests_asked", sum(run.requests for run in ours) + sum(each["requests"] for each in disturbed)
        yield "requests_lost", sum(run.lost for run in ours) + sum(each["lost"] for each in disturbed)


def _drawn(simulated: Mapping[str, Any]) -> Iterator[tuple[str, Number]]:
    if not simulated:
        return
    equal, subtle = simulated["equal"]["gates"], simulated["subtle"]["gates"]
    yield "subtle_caught_before_100_percent", 100 * subtle.get("taken_back", 0) / simulated["runs"]
    blamed = equal.get("taken_back", 0) + equal.get("taken_back_late", 0)
    yield "false_aborts_of_1000_AA", 1000 * blamed / simulated["runs"]
