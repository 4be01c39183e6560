"""A frame to draw in: what stands for which place, and the scale beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log10

from benchmarks.releases.pictures import svg


@dataclass(frozen=True)
class Scale:
    """From values to pixels.

    Attributes:
        first: The value at the begin.
        last: The value at the end.
        begin: Where that is.
        end: Where that is.
        by_ratio: Whether equal ratios are equally far apart, as on a logarithmic scale.
    """

    first: float
    last: float
    begin: float
    end: float
    by_ratio: bool = False

    def at(self, value: float) -> float:
        """The place of a value; one beyond the scale lies at its edge."""
        first, last, found = (log10(each) if self.by_ratio else each for each in (self.first, self.last, value))
        part = min(max((found - first) / (last - first), 0.0), 1.0)
        return self.begin + part * (self.end - self.begin)


@dataclass(frozen=True)
class Frame:
    """A rectangle with two scales.

    Attributes:
        across: From left to right.
        up: From bottom to top.
    """

    across: Scale
    up: Scale

    def at(self, x: float, y: float) -> svg.Point:
        """The place of two values."""
        return self.across.at(x), self.up.at(y)

    def level(self, y: float, style: str) -> str:
        """A line across at a value."""
        return svg.line([(self.across.begin, self.up.at(y)), (self.across.end, self.up.at(y))], style)

    def upright(self, x: float, style: str) -> str:
        """A line from bottom to top at a value."""
        return svg.line([(self.across.at(x), self.up.begin), (self.across.at(x), self.up.end)], style)

    def grid(self, *, across: Mapping[float, str], up: Mapping[float, str]) -> Iterator[str]:
        """Lines at some values, with their names below and on the left."""
        for value, name in up.items():
            yield self.level(value, "rule")
            yield svg.text(self.across.begin - 6, self.up.at(value) + 4, name, "faint", anchor="end")
        for value, name in across.items():
            yield self.upright(value, "rule")
            yield svg.text(self.across.at(value), self.up.begin + 16, name, "faint", anchor="middle")
