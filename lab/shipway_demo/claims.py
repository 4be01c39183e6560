"""Claims: one number each, with the limit it is held to, and the report they end in."""

import json
import operator
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Number = float | int

_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Claim:
    """A measured value and the limit it must keep; no limit means it is only reported."""

    name: str
    value: Number | bool
    unit: str
    limit: str
    holds: bool


def claim(name: str, value: Number | bool, unit: str = "", limit: tuple[str, Number | bool] | None = None) -> Claim:
    """A claim judged against `limit`, such as `("<=", 12)`."""
    shown = round(value, 4) if isinstance(value, float) else value
    if limit is None:
        return Claim(name, shown, unit, "reported", holds=True)
    comparison, bound = limit
    return Claim(name, shown, unit, f"{comparison} {bound}", holds=_COMPARISONS[comparison](value, bound))


@dataclass
class Report:
    """All claims of one run, in the order they were made."""

    seconds: float = 0.0
    claims: list[Claim] = field(default_factory=list)

    def add(self, made: Claim) -> Claim:
        """Records a claim and hands it back."""
        self.claims.append(made)
        return made

    @property
    def holds(self) -> bool:
        """Whether there are claims and every one of them holds."""
        return bool(self.claims) and all(c.holds for c in self.claims)

    def write(self, path: Path) -> None:
        """Writes the report as JSON."""
        body = {"machine": machine(), "seconds": round(self.seconds, 1), "claims": [asdict(c) for c in self.claims]}
        path.write_text(json.dumps(body, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """What this ran on, without anything that names the machine."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
