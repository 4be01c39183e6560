"""How many answers a gate needs: to know beforehand whether a step is long enough to show anything."""

from math import inf, log

from shipway.analysis.gates import Tolerance


def divergence(p: float, q: float) -> float:
    """Evidence in one answer of a version whose share is `p` against the claim that it is `q`, in nats."""
    return _term(p, q) + _term(1 - p, 1 - q)


def expected_to_fail(tolerance: Tolerance, *, stable: float, candidate: float) -> float:
    """Answers of the new version that the best test needs on average to show that it is worse (Wald 1945).

    What any detector is measured by: one that also looks for changes, and learns stable's share as well, needs more.
    Infinite where the candidate's share is within the margin.
    """
    bound = stable + tolerance.margin
    if candidate <= bound:
        return inf
    return -log(tolerance.step_alpha) / divergence(candidate, min(bound, 1.0))


def _term(p: float, q: float) -> float:
    if p == 0:
        return 0.0
    return p * log(p / q) if q > 0 else inf
