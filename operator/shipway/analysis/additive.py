"""Sums over answers: they merge over pods and seconds by addition, which is all the tests ask of their data."""

from math import isfinite
from typing import Self


class Additive:
    """Base of a frozen dataclass whose fields are sums of values that are never negative.

    Raises:
        ValueError: A sum is negative, infinite or not a number.
    """

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite sum of values that are not negative; got {value}")

    def __add__(self, other: Self) -> Self:
        return type(self)(*(a + b for a, b in self._beside(other)))

    def since(self, earlier: Self) -> Self:
        """What came after an earlier look at the same pod; all of it where a sum has fallen, since it began anew."""
        pairs = self._beside(earlier)
        if any(now < before for now, before in pairs):
            return self
        return type(self)(*(now - before for now, before in pairs))

    def _beside(self, other: Self) -> list[tuple[float, float]]:
        return list(zip(vars(self).values(), vars(other).values(), strict=True))
