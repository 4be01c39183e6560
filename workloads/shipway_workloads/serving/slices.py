"""Parts of the traffic, such as tenants or countries, that requests declare in a header: each is counted on its own.

Whoever sends a request may write what he likes there, so what is kept of it has bounds, and is never logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shipway_workloads.serving.latency import LatencyHistogram

HEADER = b"x-shipway-slice"
MAX_OF_REQUEST = 4
MAX_NAME = 63
MAX_HEADER_BYTES = MAX_OF_REQUEST * (MAX_NAME + 2)
"""Four names of the greatest length with a comma and a space each; what is longer is not even looked at."""
MAX_SLICES = 32
"""Names that are counted; who makes one up for every request must not fill the memory."""

_NAME = re.compile(rb"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def declared(headers: Iterable[tuple[bytes, bytes]]) -> Sequence[str]:
    """The slices of a request, each once: the first four that are names. What is no name is left out."""
    for header, value in headers:
        if header == HEADER:
            return _names(value)
    return ()


@dataclass
class Answered:
    """The answers to requests of one slice."""

    requests: int = 0
    errors: int = 0
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)

    def to_json(self) -> dict[str, Any]:
        """As `/counters` tells them."""
        return {"requests": self.requests, "errors": self.errors, "latency": self.latency.to_json()}


@dataclass
class Slices:
    """The answers of every slice.

    Attributes:
        answered: By name.
        left_out: Names that were not counted, as there are too many others.
    """

    answered: dict[str, Answered] = field(default_factory=dict)
    left_out: int = 0

    def observe(self, names: Iterable[str], *, failed: bool, seconds: float) -> None:
        """Counts one answered request of these slices."""
        for name in names:
            if name not in self.answered and len(self.answered) >= MAX_SLICES:
                self.left_out += 1
                continue
            answered = self.answered.setdefault(name, Answered())
            answered.requests += 1
            answered.errors += failed
            answered.latency.observe(seconds)

    def to_json(self) -> dict[str, Any]:
        """As `/counters` tells them."""
        return {name: answered.to_json() for name, answered in self.answered.items()}


def _names(value: bytes) -> Sequence[str]:
    if len(value) > MAX_HEADER_BYTES:
        return ()
    parts = (part.strip() for part in value.split(b","))
    return tuple(dict.fromkeys(part.decode() for part in parts if _NAME.fullmatch(part)))[:MAX_OF_REQUEST]
