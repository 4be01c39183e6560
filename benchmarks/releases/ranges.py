"""Holds a small run against the range file: what gates a change."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmarks.releases.answers import Run
from benchmarks.releases.claims import claims

FILE = Path(__file__).with_name("ranges.yaml")


def out_of_range(runs: Sequence[Run]) -> list[str]:
    """What is not within its range, in words; raises KeyError for a range that nothing measures."""
    measured = {found["name"]: found["value"] for found in claims(runs, [], {})}
    ranges: dict[str, dict[str, float]] = yaml.safe_load(FILE.read_text())
    return [
        f"{name} is {measured[name]:g}; {bound.replace('_', ' ')} {limit:g} is allowed ({FILE.name})"
        for name, bounds in ranges.items()
        for bound, limit in bounds.items()
        if (measured[name] > limit if bound == "at_most" else measured[name] < limit)
    ]
