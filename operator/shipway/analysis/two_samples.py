"""An e-value of one batch of both versions' predictions against "they are distributed alike, but for a distance".

Bet that the new version's predictions fall into bins as `new` says and stable's as `old` says. With the mixture `both`
of the two, weighed by how many predictions each made, the product of new/both over the new version's predictions and
old/both over stable's is at most one on average whenever the two are distributed alike, however that is and however it
changes from batch to batch (Turner, Ly and Gruenwald 2024). So nothing must be known of stable, and a change of the
traffic that both see is no evidence of anything.

Distributions P and Q within the tolerated distance add at most n_new * n_old / n times the mean of h = (new - old)/both
under P - Q to the logarithm of that average: the price of the tolerance. For Kolmogorov-Smirnov that mean is at most
the distance times the ups and downs of h. For the others its square is at most the distance times the variance of h
(Cauchy and Schwarz; Topsoe 2000), which is paid by betting a little less where h is large.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import inf, log, sqrt

from shipway.analysis.bins import Bins
from shipway.analysis.distances import Distance, Shares

_KEPT = 0.5
"""The least part of a bet that is left by what it pays."""


def log_e_value(*, candidate: Bins, stable: Bins, new: Shares, old: Shares, distance: Distance, margin: float) -> float:
    """Logarithm of the e-value; 0 where one version predicted nothing.

    Args:
        candidate: What the new version predicted since the last look.
        stable: The same of stable.
        new: How the candidate's predictions are bet to be distributed, decided before the batch came in; none is 0.
        old: The same of stable's.
        distance: Which distance is tolerated.
        margin: How much of it.
    """
    ours, theirs = candidate.trials, stable.trials
    total = ours + theirs
    if ours == 0 or theirs == 0:
        return 0.0
    both = [(ours * a + theirs * b) / total for a, b in zip(new, old, strict=True)]
    bets = [a / x for a, x in zip(new, both, strict=True)]
    counter_bets = [b / x for b, x in zip(old, both, strict=True)]
    gaps = [a - b for a, b in zip(bets, counter_bets, strict=True)]
    rate, price = _price(both, bets, counter_bets, distance, margin)
    gain = sum(
        count * log(bet - rate * theirs / total * gap**2)
        for count, bet, gap in zip(candidate.counts, bets, gaps, strict=True)
    )
    counter_gain = sum(
        count * log(bet - rate * ours / total * gap**2)
        for count, bet, gap in zip(stable.counts, counter_bets, gaps, strict=True)
    )
    return gain + counter_gain - ours * theirs / total * price


def _price(
    both: Shares, bets: Sequence[float], counter_bets: Sequence[float], distance: Distance, margin: float
) -> tuple[float, float]:
    """What is paid in parts of a gap's square, and what is paid at once."""
    gaps = [a - b for a, b in zip(bets, counter_bets, strict=True)]
    if distance is Distance.KOLMOGOROV_SMIRNOV:
        return 0.0, margin * sum(abs(a - b) for a, b in pairwise(gaps))
    tolerated = margin if distance is Distance.PSI else 8 * log(2) * margin
    variance = sum(share * gap**2 for share, gap in zip(both, gaps, strict=True))
    if tolerated == 0 or variance == 0:
        return 0.0, 0.0
    # Whatever the rate, the product stays an e-value; this one is best if the bets are right.
    most = min((min(a, b) / gap**2 for a, b, gap in zip(bets, counter_bets, gaps, strict=True) if gap), default=inf)
    rate = min(sqrt(tolerated / variance) / 4, (1 - _KEPT) * most)
    return rate, tolerated / (8 * rate)
