"""Beside the KLL sketches of Apache DataSketches: our bins say the same distances, and add nothing to them."""

import datasketches
import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import ks_2samp

from shipway.analysis.bins import Bins, Groups, equal_groups
from shipway.analysis.distances import OF, Distance, kolmogorov_smirnov
from shipway.analysis.gates import Tolerance
from shipway.analysis.shift import GROUPS, Shift
from shipway.api.v1alpha1.gates import Verdict
from shipway_workloads.serving.scores import BINS_PER_LOGIT, FIRST_LOGIT, ScoreHistogram

SIZE = 20_000
PODS = 8
SURE = 3
"""Sketches err by chance, and this many times what they promise in 99 of 100 is never seen."""
Sketch = datasketches.kll_doubles_sketch


def predictions(rng: np.random.Generator, *, shift: float = 0.0, size: int = SIZE) -> np.ndarray:
    """Probabilities whose logits have a standard deviation of 1."""
    return expit(rng.normal(-2 + shift, 1, size))


def binned(seen: np.ndarray) -> Bins:
    """As one predictor counts them."""
    histogram = ScoreHistogram()
    histogram.observe(seen.tolist())
    return Bins(tuple(histogram.counts))


def sketched(seen: np.ndarray) -> Sketch:
    """Of several pods, each with a sketch of its own."""
    return merged([sketch_of(part) for part in np.array_split(seen, PODS)])


def sketch_of(seen: np.ndarray) -> Sketch:
    sketch = Sketch()
    sketch.update(seen)
    return sketch


def merged(sketches: list[Sketch]) -> Sketch:
    whole = Sketch()
    for sketch in sketches:
        whole.merge(sketch)
    return whole


def cuts(groups: Groups) -> list[float]:
    """The probabilities at which the groups end."""
    return [float(expit(FIRST_LOGIT + (end - 1) / BINS_PER_LOGIT)) for end in groups.ends]


def promised() -> float:
    """The error of a rank that 99 of 100 sketches keep."""
    return float(Sketch().normalized_rank_error(False))


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("distance", "error"),
    [(Distance.KOLMOGOROV_SMIRNOV, 0.03), (Distance.PSI, 0.01), (Distance.JENSEN_SHANNON, 0.002)],
)
def test_merged_sketches_say_the_same_distance_within_their_error(distance: Distance, error: float, shift: float):
    rng = np.random.default_rng(1)
    new, old = predictions(rng, shift=shift), predictions(rng)
    groups = equal_groups(binned(old), GROUPS)
    ours = [binned(seen).grouped(groups).shares for seen in (new, old)]
    theirs = [sketched(seen).get_pmf(cuts(groups)) for seen in (new, old)]
    for bins, sketch in zip(ours, theirs, strict=True):
        assert sketch == pytest.approx(bins, abs=SURE * promised())
    assert OF[distance](*theirs) == pytest.approx(OF[distance](*ours), abs=error, rel=0.2)


def test_bins_hide_less_than_one_bin_of_a_distance_and_add_nothing_where_sketches_add_noise():
    rng = np.random.default_rng(2)
    added = []
    for _ in range(20):
        new, old = predictions(rng), predictions(rng)
        exact, a, b = ks_2samp(new, old).statistic, binned(new), binned(old)
        assert exact - max(a.shares + b.shares) <= kolmogorov_smirnov(a.shares, b.shares) <= exact + 1e-9
        points = np.unique(np.concatenate((new, old))[:: SIZE // 200]).tolist()
        added.append(kolmogorov_smirnov(*(sketched(seen).get_pmf(points) for seen in (new, old))) - exact)
    assert np.mean(added) > 0.001


def test_counts_merge_to_the_same_in_any_order_and_sketches_to_nearly_the_same():
    rng = np.random.default_rng(3)
    parts = [predictions(rng, size=SIZE // PODS) for _ in range(PODS)]
    counts, sketches = [binned(part) for part in parts], [sketch_of(part) for part in parts]
    whole, exact = binned(np.concatenate(parts)), float(np.mean(np.concatenate(parts) < 0.1))
    ranks = set()
    for _ in range(20):
        order = rng.permutation(PODS).tolist()
        first, *others = (counts[place] for place in order)
        assert sum(others, first) == whole
        ranks.add(merged([sketches[place] for place in order]).get_rank(0.1))
    assert len(ranks) > 1
    assert all(rank == pytest.approx(exact, abs=SURE * promised()) for rank in ranks)


@pytest.mark.parametrize(("shift", "differ"), [(0.0, False), (0.5, True)])
def test_both_tests_say_the_same_where_it_is_clear(shift: float, differ: bool):
    rng = np.random.default_rng(4)
    new, old = predictions(rng, shift=shift), predictions(rng)
    assert datasketches.ks_test(sketched(new), sketched(old), 0.001) is differ
    gate = Shift(Tolerance(margin=0.02, min_samples=30, alpha=0.001), Distance.KOLMOGOROV_SMIRNOV)
    for ours, theirs in zip(np.array_split(new, 100), np.array_split(old, 100), strict=True):
        gate = gate.observe(candidate=binned(ours), stable=binned(theirs))
    assert (gate.judge().verdict is Verdict.FAIL) is differ
