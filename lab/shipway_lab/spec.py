"""What one lab consists of, decided before anything starts and kept as a file beside its state."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from shipway_lab import jsonfile


@dataclass(frozen=True, kw_only=True)
class LabSpec:
    """The answer to every question the parts ask.

    Attributes:
        name: Name of the lab.
        parts: Names of its parts, each after the parts it needs.
        ports: TCP port on the host's 127.0.0.1 for each forwarded service (`api`, `gateway`, `s3`).
        artifacts: Path in the cache for each artifact of the parts.
        sources: Package roots of the checkout that pods see, by their name under /opt/shipway/src.
        python_prefix: Installation folder of the Python interpreter that the virtual environments use.
        keep_visible: Folders that must stay reachable inside the lab wherever they lie.
        fake_nodes: Number of nodes that exist only as API objects.
    """

    name: str
    parts: tuple[str, ...]
    ports: dict[str, int]
    artifacts: dict[str, str]
    sources: dict[str, str]
    python_prefix: str
    keep_visible: tuple[str, ...]
    fake_nodes: int = 0

    def save(self, path: Path) -> None:
        """Write the spec as JSON."""
        jsonfile.write(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The saved spec, or None where there is none."""
        stored: dict[str, Any] | None = jsonfile.read(path)
        if stored is None:
            return None
        return cls(**{**stored, "parts": tuple(stored["parts"]), "keep_visible": tuple(stored["keep_visible"])})
