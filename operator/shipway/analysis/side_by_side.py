"""An e-value of one batch of both versions' shares against "the new one's is larger by no more than a margin".

Where a bound on stable's share has to be learned first, its doubt adds to that of the new version. Here nothing is
learned first: with `mix` the mixture of the bets `new` and `old`, weighed by how many trials each version had, the
product of new/mix over the new version's trials and old/mix over stable's is at most one on average whenever both
shares are equal, whatever they are and however they change from batch to batch (Turner, Ly and Gruenwald 2024). Shares
that differ by d add at most n_new * n_old / n * d * (new - old) / (mix * (1 - mix)) to the logarithm of that average,
by log(1 + x) <= x and Jensen's inequality: the price of the margin. So what hits both alike is evidence of nothing, and
batches at different weights may be multiplied: no traffic that changes from step to step can turn the sign (Simpson).

It is `two_samples.log_e_value` of two groups within a distance of Kolmogorov and Smirnov, written out: six bets at
every look of every release take a seventh of the time that way. A test holds the two together.
"""

from collections.abc import Sequence
from math import log

from shipway.analysis.counts import Count

GAPS = (0.005, 0.01, 0.03, 0.1, 0.25, 0.5)
"""How far beyond the margin the new version's share is bet to lie, as a part of the way to 1."""
_EXPECTED = Count(50, 1)
"""What stable is believed to do before anything is known of it."""
_LEAST = 1e-4
"""A share that is bet on is no closer to 0: one surprise must not cost everything."""


def log_e_values(*, candidate: Count, stable: Count, known: Count, margin: float) -> Sequence[float]:
    """Logarithms of the e-values, one for each gap that is bet on; 0 where one version had no trials.

    Args:
        candidate: What the new version did since the last look.
        stable: The same of stable.
        known: What stable had done BEFORE this batch.
        margin: How much larger the new version's share may be.
    """
    if candidate.trials == 0 or stable.trials == 0:
        return (0.0,) * len(GAPS)
    part = candidate.trials / (candidate.trials + stable.trials)
    old = max((known + _EXPECTED).share, _LEAST)
    logs = []
    for new in (old + gap * (1 - old) for gap in GAPS):
        mix = part * new + (1 - part) * old
        price = margin * part * stable.trials * (new - old) / (mix * (1 - mix))
        logs.append(_gain(candidate, new, mix) + _gain(stable, old, mix) - price)
    return logs


def _gain(seen: Count, bet: float, mix: float) -> float:
    return seen.hits * log(bet / mix) + (seen.trials - seen.hits) * log((1 - bet) / (1 - mix))
