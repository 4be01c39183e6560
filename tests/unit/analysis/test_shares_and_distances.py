"""The three distances are those of the textbooks, and the interval of one holds it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import ks_2samp

from shipway.analysis.bins import Bins
from shipway.analysis.distances import OF, Distance, between, jensen_shannon, kolmogorov_smirnov, psi
from shipway.analysis.shares import distance_interval

FILLED = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=2, max_size=12)
EVERY = pytest.mark.parametrize("distance", list(Distance))


def both(pairs: list[tuple[int, int]]) -> tuple[Bins, Bins]:
    a, b = zip(*pairs, strict=True)
    return Bins(a), Bins(b)


@given(FILLED)
def test_they_equal_scipys(pairs: list[tuple[int, int]]):
    a, b = both(pairs)
    p, q = np.array(a.shares), np.array(b.shares)
    assert psi(p, q) == pytest.approx(float(np.sum(rel_entr(p, q) + rel_entr(q, p))))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, 2) ** 2, abs=1e-9)
    samples = [np.repeat(np.arange(len(seen.counts)), seen.counts) for seen in (a, b)]
    assert kolmogorov_smirnov(p, q) == pytest.approx(ks_2samp(*samples, method="asymp").statistic)


@EVERY
@given(FILLED)
def test_they_are_symmetric_and_zero_for_equals_alone(distance: Distance, pairs: list[tuple[int, int]]):
    a, b = (seen.shares for seen in both(pairs))
    assert OF[distance](a, b) == pytest.approx(OF[distance](b, a))
    assert OF[distance](a, a) == pytest.approx(0)
    assert OF[distance](a, b) >= 0


@EVERY
@given(FILLED, st.data())
def test_no_question_sees_more_than_the_distance(distance: Distance, pairs: list[tuple[int, int]], data: st.DataObject):
    a, b = (np.array(seen.shares) for seen in both(pairs))
    cut = data.draw(st.integers(1, len(pairs) - 1))
    assert between(distance, float(a[:cut].sum()), float(b[:cut].sum())) <= OF[distance](a, b) + 1e-9


@EVERY
@given(FILLED)
def test_the_distance_of_what_was_seen_lies_inside_its_interval(distance: Distance, pairs: list[tuple[int, int]]):
    a, b = both(pairs)
    found = distance_interval(distance, a, b, 0.05)
    assert found.lower <= OF[distance](a.shares, b.shares) <= found.upper


@EVERY
@given(FILLED)
def test_more_certainty_is_wider(distance: Distance, pairs: list[tuple[int, int]]):
    a, b = both(pairs)
    sure, unsure = distance_interval(distance, a, b, 0.001), distance_interval(distance, a, b, 0.2)
    assert sure.lower <= unsure.lower
    assert sure.upper >= unsure.upper


@EVERY
def test_the_interval_closes_on_the_truth(distance: Distance):
    a, b = (0.1, 0.2, 0.3, 0.4), (0.4, 0.3, 0.2, 0.1)
    seen = [Bins(tuple(round(share * 10**7) for share in shares)) for shares in (a, b)]
    found, truth = distance_interval(distance, *seen, 0.01), OF[distance](a, b)
    assert found.upper == pytest.approx(truth, rel=0.02)
    assert found.lower >= 0.5 * truth
