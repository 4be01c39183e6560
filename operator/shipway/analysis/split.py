"""One release's alpha, shared out over its gates, tenants and slices so that the parts make up exactly the whole.

By Bonferroni's inequality the chance that any of the tests blames a good version is at most the sum of their parts,
however they hang together. The parts are fractions, for floats would not add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TypeVar

K = TypeVar("K")
Weights = Mapping[str, int]
"""How important each is, against the others; 0 for what is only observed."""
EVERYBODY: Weights = {"": 1}
"""Where nothing is told apart."""


@dataclass(frozen=True, order=True)
class Scope:
    """What one test of a release looks at: a gate, for one tenant and one slice; "" stands for all."""

    gate: str
    tenant: str = ""
    slice: str = ""


def split(whole: Fraction, weights: Mapping[K, int]) -> dict[K, Fraction]:
    """Parts in proportion to the weights; their sum is exactly `whole`.

    Raises:
        ValueError: A weight is negative, or there is none above 0.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError(f"weights must be 0 or more, and one must be above 0; got {list(weights.values())}")
    return {key: whole * weight / total for key, weight in weights.items()}


def split_tests(
    whole: Fraction, *, gates: Weights, tenants: Weights = EVERYBODY, slices: Weights = EVERYBODY
) -> dict[Scope, Fraction]:
    """The part of each gate for each tenant and slice; their sum is exactly `whole`.

    Raises:
        ValueError: See split.
    """
    weights = {
        Scope(gate, tenant, part): gates[gate] * tenants[tenant] * slices[part]
        for gate, tenant, part in product(gates, tenants, slices)
    }
    return split(whole, weights)


def split_by_arrival(whole: Fraction, arrived: Sequence[K]) -> tuple[dict[K, Fraction], Fraction]:
    """Parts for those who turn up one after the other, nobody knows how many, and what is kept for those to come.

    The first gets a half, the next a sixth, the j-th 1/(j * (j + 1)): nobody's part changes when another arrives.
    """
    parts = {key: whole / (j * (j + 1)) for j, key in enumerate(arrived, start=1)}
    return parts, whole - sum(parts.values(), Fraction())
