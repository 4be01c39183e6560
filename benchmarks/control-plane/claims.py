"""From measurements to claims: each with its limit, and whether it holds."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import log
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
}
PEERS = {"trainer": "trainjob", "jobset": "jobset", "kuberay": "raycluster"}
OURS = "trainingjob"
FLOOR = "job"
CHILDREN = ("create pods", "create services", "create endpointslices")


def claims(bursts: Mapping[tuple[str, int], Burst], phases: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every claim that the measurements allow, and no other.

    Args:
        bursts: By subject and number of objects; where one was measured more than once, one of them.
        phases: The operator's own measurements by name.
    """
    found = [*_against_others(bursts), *_alone(bursts), *_in_phases(phases)]
    return [asdict(_judged(name, value)) for name, value in found if name in LIMITS]


def growth(bursts: Mapping[tuple[str, int], Burst]) -> dict[str, float]:
    """By subject, the power of the number of objects by which processor time grows; 1 is in proportion."""
    sizes: dict[str, list[int]] = {}
    for subject, objects in bursts:
        sizes.setdefault(subject, []).append(objects)
    return {
        subject: round(
            log(bursts[subject, max(found)].control_plane_cpu / bursts[subject, min(found)].control_plane_cpu)
            / log(max(found) / min(found)),
            3,
        )
        for subject, found in sizes.items()
        if len(found) > 1
    }


def _against_others(bursts: Mapping[tuple[str, int], Burst]) -> Iterator[tuple[str, float]]:
    for (subject, objects), ours in bursts.items():
        if subject != OURS:
            continue
        if floor := bursts.get((FLOOR, objects)):
            yield f"ratio_to_floor_cpu_{objects}", ours.control_plane_cpu / floor.control_plane_cpu
            yield f"ratio_to_floor_wall_{objects}", ours.pods_running_s / floor.pods_running_s
        for peer, name in PEERS.items():
            if theirs := bursts.get((name, objects)):
                yield f"times_less_cpu_than_{peer}_{objects}", theirs.control_plane_cpu / ours.control_plane_cpu


def _alone(bursts: Mapping[tuple[str, int], Burst]) -> Iterator[tuple[str, float]]:
    sizes = [objects for subject, objects in bursts if subject == OURS]
    if not sizes:
        return
    largest = bursts[OURS, max(sizes)]
    yield "operator_cpu_ms_per_object", 1000 * largest.cpu["operator"] / largest.objects
    yield "writes_per_trainingjob_beyond_children", writes_beyond_children(largest)
    yield f"rss_mib_{largest.objects}", largest.peak_mib["operator"]


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


def _judged(name: str, value: float) -> Claim:
    limit = LIMITS[name]
    holds = value >= limit.value if limit.least else value <= limit.value
    sign = "≥" if limit.least else "≤"
    return Claim(name, round(value, 3), limit.unit, f"{sign}{limit.value:g}", holds)
