"""What answers say that they are worth: numbers in a header or the body, summed up so that versions can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from shipway_workloads.serving.business_body import told_in

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

    def observe(self, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> None:
        """Counts what one answer says in its headers, and what it says in its body alone.

        What cannot be read is left out.
        """
        in_headers = list(_told_in_headers(headers))
        known = {name for name, _ in in_headers}
        for name, value in (*in_headers, *(told for told in told_in(body) if told[0] not in known)):
            self._count(name, value)

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


def _told_in_headers(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for header, value in headers:
        name = header.lower()
        if name.startswith(HEADER_PREFIX):
            yield name.removeprefix(HEADER_PREFIX), value


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
