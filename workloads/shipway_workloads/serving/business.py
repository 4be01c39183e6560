"""What answers say that they are worth: numbers in a header, summed up so that two versions can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

HEADER_PREFIX = b"x-shipway-metric-"
MAX_METRICS = 16
"""Names that are counted; a bug that makes one up for every answer must not fill the memory."""

_NAME = re.compile(rb"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass
class Sums:
    """Sums over the answers that bear a metric.

    Attributes:
        answers: How many.
        top: Sum of the values; of the first numbers of ratios.
        bottom: Sum of the second numbers of ratios; as many as answers for plain values.
        top_squares: Sum of the squares of the first.
        products: Sum of the first times the second.
        bottom_squares: Sum of the squares of the second.
    """

    answers: int = 0
    top: float = 0.0
    bottom: float = 0.0
    top_squares: float = 0.0
    products: float = 0.0
    bottom_squares: float = 0.0

    def observe(self, top: float, bottom: float) -> None:
        """Counts one answer."""
        self.answers += 1
        self.top += top
        self.bottom += bottom
        self.top_squares += top * top
        self.products += top * bottom
        self.bottom_squares += bottom * bottom


@dataclass
class BusinessMetrics:
    """The sums of every metric.

    Attributes:
        sums: By name.
    """

    sums: dict[str, Sums] = field(default_factory=dict)

    def observe(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Counts what the headers of one answer say; what cannot be read is left out."""
        for header, value in headers:
            name = header.lower()
            if name.startswith(HEADER_PREFIX):
                self._count(name.removeprefix(HEADER_PREFIX), value)

    def to_json(self) -> dict[str, Any]:
        """As `/counters` tells them."""
        return {name: _camel(asdict(sums)) for name, sums in self.sums.items()}

    def _count(self, name: bytes, value: bytes) -> None:
        numbers = _numbers(value)
        if numbers is None or not _NAME.fullmatch(name):
            return
        key = name.decode()
        if key not in self.sums and len(self.sums) >= MAX_METRICS:
            return
        self.sums.setdefault(key, Sums()).observe(*numbers)


def _numbers(value: bytes) -> tuple[float, float] | None:
    """`0.5` as 0.5 over 1, and `3/20` as 3 over 20; None for what is neither, negative, or not finite."""
    top, slash, bottom = value.partition(b"/")
    try:
        numbers = float(top), float(bottom) if slash else 1.0
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) and 0 <= number < 1e9 for number in numbers) else None


def _camel(sums: dict[str, float]) -> dict[str, float]:
    words = {"top_squares": "topSquares", "bottom_squares": "bottomSquares"}
    return {words.get(name, name): value for name, value in sums.items()}
