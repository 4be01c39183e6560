"""From measurements to claims: each with its limit, and whether it holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from statistics import median
from typing import Any

from burst import Burst


@dataclass(frozen=True)
class Limit:
    """What a claim must be; `least` for at least, otherwise at most."""

    value: float
    unit: str
    least: bool = False


@dataclass(frozen=True)
class Claim:
    """One measured claim."""

    name: str
    value: float
    unit: str
    limit: str
    holds: bool


LIMITS = {
    "ratio_to_floor_cpu_1000": Limit(1.25, "times"),
    "ratio_to_floor_wall_1000": Limit(1.25, "times"),
    "ratio_to_floor_wall_10000": Limit(1.4, "times"),
    "times_less_cpu_than_trainer_1000": Limit(3, "times", least=True),
    "times_less_cpu_than_jobset_1000": Limit(2, "times", least=True),
    "times_less_cpu_than_kuberay_200": Limit(1.5, "times", least=True),
    "operator_cpu_ms_per_object": Limit(8, "ms"),
    "writes_per_trainingjob_beyond_children": Limit(2, "writes"),
    "rss_mib_10000": Limit(300, "MiB"),
    "leases_lost_10000": Limit(0, "times"),
    "quiet_writes": Limit(0, "writes"),
    "quiet_core_share": Limit(0.02, "share"),
    "restart_first_reconcile_seconds_10000": Limit(5, "s"),
    "restart_caught_up_seconds_10000": Limit(20, "s"),
    "idle_apply_to_pods_ms": Limit(50, "ms"),
    "ready_reported_after_pods_ms": Limit(100, "ms"),
    "hot_object_delay_s": Limit(1, "s"),
    "poisoned_object_delay_s": Limit(1, "s"),
    "giant_object_delay_s": Limit(1, "s"),
    "two_shards_speedup": Limit(1.8, "times", least=True),
    "operator_cores_50_rollouts_of_1000": Limit(1, "cores"),
}
PEERS = {"trainer": "trainjob", "jobset": "jobset", "kuberay": "raycluster"}
OURS = "trainingjob"
FLOOR = "job"
CHILDREN = ("create pods", "create services", "create endpointslices")

Bursts = Mapping[tuple[str, int], Sequence[Burst]]
"""By subject and number of objects, one for each round, in the order of rounds."""


def claims(bursts: Bursts, phases: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every claim that the measurements allow, and no other.

    Args:
        bursts: Of all rounds.
        phases: The operator's own measurements by name.
    """
    found = [*_against_others(bursts), *_alone(bursts), *_in_phases(phases)]
    return [asdict(_judged(name, value)) for name, value in found if name in LIMITS]


def growth(bursts: Bursts) -> dict[str, float]:
    """By subject, the power of the number of objects by which processor time grows; 1 is in proportion."""
    costs: dict[str, dict[int, float]] = {}
    for (subject, objects), found in bursts.items():
        costs.setdefault(subject, {})[objects] = median(each.control_plane_cpu for each in found)
    return {
        subject: round(log(cost[max(cost)] / cost[min(cost)]) / log(max(cost) / min(cost)), 3)
        for subject, cost in costs.items()
        if len(cost) > 1
    }


def ratio(first: Sequence[Burst], second: Sequence[Burst], what: Callable[[Burst], float]) -> float:
    """The first as a multiple of the second, in the median of rounds: a round shares the state of the machine."""
    return median(what(one) / what(other) for one, other in zip(first, second, strict=False))


def _against_others(bursts: Bursts) -> Iterator[tuple[str, float]]:
    for (subject, objects), ours in bursts.items():
        if subject != OURS:
            continue
        if floor := bursts.get((FLOOR, objects)):
            yield f"ratio_to_floor_cpu_{objects}", ratio(ours, floor, _cpu)
            yield f"ratio_to_floor_wall_{objects}", ratio(ours, floor, lambda each: each.pods_running_s)
        for peer, name in PEERS.items():
            if theirs := bursts.get((name, objects)):
                yield f"times_less_cpu_than_{peer}_{objects}", ratio(theirs, ours, _cpu)


def _cpu(burst: Burst) -> float:
    return burst.control_plane_cpu


def _alone(bursts: Bursts) -> Iterator[tuple[str, float]]:
    sizes = [objects for subject, objects in bursts if subject == OURS]
    if not sizes:
        return
    largest = bursts[OURS, max(sizes)]
    yield "operator_cpu_ms_per_object", median(1000 * each.cpu["operator"] / each.objects for each in largest)
    yield "writes_per_trainingjob_beyond_children", median(map(writes_beyond_children, largest))
    yield f"rss_mib_{max(sizes)}", max(each.peak_mib["operator"] for each in largest)


def writes_beyond_children(burst: Burst) -> float:
    """Writes of our operator per object that make no child."""
    writes = burst.writes.get("shipway-operator", {})
    return round(sum(number for what, number in writes.items() if what not in CHILDREN), 2)


def _in_phases(phases: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if single := phases.get("single"):
        yield "idle_apply_to_pods_ms", single["apply_to_pods_ms"]
        yield "ready_reported_after_pods_ms", single["ready_after_pods_ms"]
    if quiet := phases.get("quiet"):
        yield "quiet_writes", quiet["writes"]
        yield "quiet_core_share", quiet["core_share"]
    if restart := phases.get("restart"):
        yield f"restart_first_reconcile_seconds_{restart['objects']}", restart["first_reconcile_s"]
        yield f"restart_caught_up_seconds_{restart['objects']}", restart["caught_up_s"]
    if lost := phases.get("leases_lost"):
        yield f"leases_lost_{lost['objects']}", lost["times"]
    yield from phases.get("delays", {}).items()
    if found := phases.get("shards"):
        yield "two_shards_speedup", found["two_shards_speedup"]
    if found := phases.get("rollouts"):
        yield f"operator_cores_{found['rollouts']}_rollouts_of_{found['objects']}", found["cores"]


def _judged(name: str, value: float) -> Claim:
    limit = LIMITS[name]
    holds = value >= limit.value if limit.least else value <= limit.value
    sign = "≥" if limit.least else "≤"
    return Claim(name, round(value, 3), limit.unit, f"{sign}{limit.value:g}", holds)
