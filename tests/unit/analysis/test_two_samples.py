"""Whatever one bets, the bet wins nothing on average from versions within the tolerated distance."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shipway.analysis.bets import alternatives, expected
from shipway.analysis.bins import Bins
from shipway.analysis.distances import OF, Distance, Shares
from shipway.analysis.two_samples import log_e_value

SIZE = 5
SHARES = st.lists(st.floats(0.02, 1), min_size=SIZE, max_size=SIZE).map(lambda raw: [x / sum(raw) for x in raw])
Pair = tuple[list[float], list[float]]
PAIRS = st.tuples(SHARES, SHARES)
RISING = [0.1, 0.1, 0.2, 0.2, 0.4]
FALLING = RISING[::-1]
EVERY = pytest.mark.parametrize("distance", list(Distance))


def average(
    p: Shares, q: Shares, *, trials: tuple[int, int], new: Shares, old: Shares, distance: Distance, margin: float
) -> float:
    """The e-value's mean when predictions are distributed as p and q, exactly: it is a product over predictions."""
    ours, theirs = trials

    def log_value(i: int, j: int) -> float:
        candidate = Bins(tuple(ours * (k == i) for k in range(SIZE)))
        stable = Bins(tuple(theirs * (k == j) for k in range(SIZE)))
        return log_e_value(candidate=candidate, stable=stable, new=new, old=old, distance=distance, margin=margin)

    origin = log_value(0, 0)
    gains = [np.exp((log_value(i, 0) - origin) / ours) for i in range(SIZE)]
    counter_gains = [np.exp((log_value(0, j) - origin) / theirs) for j in range(SIZE)]
    return float(np.exp(origin) * np.dot(p, gains) ** ours * np.dot(q, counter_gains) ** theirs)


@EVERY
@given(PAIRS, PAIRS, st.tuples(st.integers(1, 20), st.integers(1, 20)))
@example((RISING, FALLING), (RISING, FALLING), (3, 20))
def test_versions_at_the_margin_yield_at_most_one_on_average(
    distance: Distance, versions: Pair, bets: Pair, trials: tuple[int, int]
):
    (p, q), (new, old) = versions, bets
    margin = OF[distance](p, q)
    assert average(p, q, trials=trials, new=new, old=old, distance=distance, margin=margin) <= 1 + 1e-9


@EVERY
@given(SHARES, SHARES, SHARES)
def test_equals_yield_at_most_one_whatever_they_are_and_it_is_one_without_tolerance(
    distance: Distance, p: list[float], new: list[float], old: list[float]
):
    exact = average(p, p, trials=(1, 1), new=new, old=old, distance=distance, margin=0)
    assert exact <= 1 + 1e-9
    assert average(p, p, trials=(1, 1), new=new, old=old, distance=distance, margin=0.1) <= exact + 1e-9


@EVERY
@given(SHARES, SHARES)
def test_more_tolerance_is_less_evidence(distance: Distance, new: list[float], old: list[float]):
    assume(OF[distance](new, old) > 0.1)
    candidate, stable = (Bins(tuple(round(1000 * x) for x in shares)) for shares in (new, old))
    values = [
        log_e_value(candidate=candidate, stable=stable, new=new, old=old, distance=distance, margin=margin)
        for margin in (0.0, 0.001, 0.01)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0


def test_one_version_alone_is_no_evidence():
    seen, nothing, flat = Bins((3, 4)), Bins((0, 0)), (0.5, 0.5)
    for candidate, stable in ((seen, nothing), (nothing, seen)):
        assert (
            log_e_value(candidate=candidate, stable=stable, new=(0.1, 0.9), old=flat, distance=Distance.PSI, margin=0.1)
            == 0
        )


@given(st.lists(st.integers(0, 300), min_size=1, max_size=12))
def test_bets_are_distributions_that_exclude_nothing(counts: list[int]):
    usual = expected(Bins(tuple(counts)))
    for shares in (usual, *alternatives(usual, Bins(tuple(counts)))):
        assert sum(shares) == pytest.approx(1)
        assert min(shares) > 0
