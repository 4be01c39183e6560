"""An e-detector: notices that a proportion has risen above a bound, at whatever time it rose.

A plain cumulative test is slowed by its own healthy past. This one mixes over when the change came and over how large
it is: for every start and every alternative it carries the likelihood ratio since that start, as one recursion per
alternative (Shiryaev-Roberts; Shin, Ramdas and Rinaldo 2024). The starts' weights sum to one, so while the proportion
stays within the bound the value is at most one on average, and it EVER reaches 1/alpha with probability at most alpha.
Any other e-values of batches do as well as likelihood ratios: what they are evidence of is up to whoever folds them in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p

from shipway.analysis.counts import Count

ALTERNATIVES = (0.03, 0.12, 0.32)
"""How far above the bound, as a part of the way to 1. What lies between two of them takes at most a fifth longer than
if it were bet on alone, and a fourth bet would cost all of them. What is hardly above is found side by side."""
STAKES = (0.1, 0.2, 0.7)
"""How much is staked on each of them. What is far above is found within a few answers, of which a small stake would
cost several; what is less far above takes many anyway."""
BLOCK = 8
"""Trials between two possible changes: fewer starts to pay for, and at most this many trials lost."""
_AT_ONCE = 0.6
"""Weight of the first block: most versions that are bad are bad from their first answer on, and lose little by what is
left for those that turn bad later."""
_SCALE = 48
"""Blocks in which about half of the other starts' weight lies; later ones weigh ever less, but never nothing."""
_CEILING = 0.999


@dataclass(frozen=True)
class Detector:
    """The state after some trials.

    Attributes:
        logs: Per alternative, the logarithm of the mixture over starts; empty before the first trial.
        stakes: How much is staked on each alternative, together 1; the same on each where nothing is said.
        trials: Trials seen; decides where the next possible change lies, so a detector that begins anew after a restart
            must be told the trials already seen, or it would pay for its starts twice.
    """

    logs: tuple[float, ...] = ()
    trials: int = 0
    stakes: tuple[float, ...] = ()

    def observe(self, batch: Count, bound: float) -> "Detector":
        """The state after one more batch.

        Args:
            batch: What came in since the last look.
            bound: The largest proportion that is no harm, decided BEFORE the batch came in.
        """
        return self.fold(batch.trials, bernoulli(batch.trials, batch.hits, bound))

    def fold(self, trials: int, log_ratios: Sequence[float]) -> "Detector":
        """The state after one more batch.

        Args:
            trials: How many came in.
            log_ratios: Per alternative, the logarithm of the batch's e-value: at most one on average, given all before.
        """
        if trials == 0:
            return self
        seen = self.trials + trials
        fresh = _start(self.trials, seen)
        before = self.logs or (-inf,) * len(log_ratios)
        logs = tuple(_log_add(log, fresh) + ratio for log, ratio in zip(before, log_ratios, strict=True))
        return replace(self, logs=logs, trials=seen)

    @property
    def log_value(self) -> float:
        """Logarithm of the evidence; at least log(1/alpha) is an alarm at level alpha."""
        return log_mean(self.logs, self.stakes) if self.logs else -inf


def bernoulli(trials: float, hits: float, bound: float) -> tuple[float, ...]:
    """Logarithms of the likelihood ratios of every alternative to the bound.

    Values between 0 and 1 do instead of hits: the ratio is convex in the value, so its mean is largest where all values
    are 0 or 1 (Hoeffding 1963).

    Args:
        trials: How many.
        hits: How many of them hit, or the sum of their values.
        bound: The largest proportion, or mean, that is no harm.
    """
    if bound > _CEILING:
        return (0.0,) * len(ALTERNATIVES)
    within = max(bound, 1e-9)
    misses = trials - hits
    return tuple(
        hits * log(beyond / within) + misses * (log1p(-beyond) - log1p(-within))
        for beyond in (within + part * (1 - within) for part in ALTERNATIVES)
    )


def log_mean(logs: Sequence[float], stakes: Sequence[float] = ()) -> float:
    """Logarithm of the mean of the values whose logarithms these are: the evidence of all of them together.

    Args:
        logs: One for each bet.
        stakes: How much each of them counts, together 1; all the same where nothing is said.
    """
    top = max(logs)
    if top == -inf:
        return -inf
    weights = stakes or (1 / len(logs),) * len(logs)
    return top + log(sum(stake * exp(value - top) for stake, value in zip(weights, logs, strict=True)))


def _start(before: int, after: int) -> float:
    """Log weight of the starts that lie at a block's first trial within [before, after)."""
    first, last = -(-before // BLOCK), -(-after // BLOCK)
    if first == last:
        return -inf
    later = _SCALE / (first + _SCALE) - _SCALE / (last + _SCALE)
    return log((1 - _AT_ONCE) * later + (0.0 if first else _AT_ONCE))


def _log_add(a: float, b: float) -> float:
    low, high = min(a, b), max(a, b)
    return high if low == -inf else high + log1p(exp(low - high))
