"""One release's alpha, shared out over its gates and their slices so that the parts make up exactly the whole.

By Bonferroni's inequality the chance that any of the tests blames a good version is at most the sum of their parts,
however they hang together. The parts are fractions, for floats would not add up.
"""

from collections.abc import Collection
from fractions import Fraction


def split(whole: Fraction, names: Collection[str]) -> dict[str, Fraction]:
    """The same part for each name; their sum is exactly `whole`."""
    return {name: whole / len(names) for name in names}
