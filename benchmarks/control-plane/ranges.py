"""Holds a small run against the range file: what gates a change."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from claims import FLOOR, OURS, Bursts, ratio, writes_beyond_children

FILE = Path(__file__).with_name("ranges.yaml")


def out_of_range(bursts: Bursts, phases: Mapping[str, Any]) -> list[str]:
    """What is not within its range, in words; raises KeyError for a range that nothing measures."""
    measured = _measured(bursts, phases)
    ranges: dict[str, dict[str, float]] = yaml.safe_load(FILE.read_text())
    return [
        f"{name} is {measured[name]:g}; at most {bounds['at_most']:g} is allowed ({FILE.name})"
        for name, bounds in ranges.items()
        if measured[name] > bounds["at_most"]
    ]


def _measured(bursts: Bursts, phases: Mapping[str, Any]) -> dict[str, float]:
    objects = min(objects for subject, objects in bursts if subject == OURS)
    (ours,), floor = bursts[OURS, objects], bursts[FLOOR, objects]
    return {
        "ratio_to_floor_cpu": ratio([ours], floor, lambda each: each.control_plane_cpu),
        "operator_cpu_to_floor": median(ours.cpu["operator"] / each.control_plane_cpu for each in floor),
        "writes_per_trainingjob_beyond_children": writes_beyond_children(ours),
        "quiet_writes": phases["quiet"]["writes"],
        "quiet_core_share": phases["quiet"]["core_share"],
        "operator_peak_mib": ours.peak_mib["operator"],
    }
