"""An e-detector: notices that a proportion has risen above a bound, at whatever time it rose.

A plain cumulative test is slowed by its own healthy past. This one mixes over when the change came and over how large
it is: for every start and every alternative it carries the likelihood ratio since that start, as one recursion per
alternative (Shiryaev-Roberts; Shin, Ramdas and Rinaldo 2024). The starts' weights sum to one, so while the proportion
stays within the bound the value is at most one on average, and it EVER reaches 1/alpha with probability at most alpha.
"""

from dataclasses import dataclass
from math import exp, inf, log, log1p

from shipway.analysis.counts import Count

ALTERNATIVES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""How far above the bound, as a part of the way to 1."""
BLOCK = 8
"""Trials between two possible changes: fewer starts to pay for, and at most this many trials lost."""
_SCALE = 16
"""Blocks in which about half of the starts' weight lies; later starts weigh ever less, but never nothing."""
_CEILING = 0.999


@dataclass(frozen=True)
class Detector:
    """The state after some trials.

    Attributes:
        logs: Per alternative, the logarithm of the mixture over starts.
        trials: Trials seen; decides where the next possible change lies, so a detector that begins anew after a restart
            must be told the trials already seen, or it would pay for its starts twice.
    """

    logs: tuple[float, ...] = (-inf,) * len(ALTERNATIVES)
    trials: int = 0

    def observe(self, batch: Count, bound: float) -> "Detector":
        """The state after one more batch.

        Args:
            batch: What came in since the last look.
            bound: The largest proportion that is no harm, decided BEFORE the batch came in.
        """
        if batch.trials == 0:
            return self
        trials = self.trials + batch.trials
        fresh = _start(self.trials, trials)
        within = min(max(bound, 1e-9), _CEILING)
        logs = tuple(
            _log_add(value, fresh) + _log_ratio(batch, within, within + part * (1 - within))
            for value, part in zip(self.logs, ALTERNATIVES, strict=True)
        )
        return Detector(logs, trials)

    @property
    def log_value(self) -> float:
        """Logarithm of the evidence; at least log(1/alpha) is an alarm at level alpha."""
        top = max(self.logs)
        if top == -inf:
            return -inf
        return top + log(sum(exp(value - top) for value in self.logs) / len(self.logs))


def _start(before: int, after: int) -> float:
    """Log weight of the starts that lie at a block's first trial within [before, after)."""
    first, last = -(-before // BLOCK), -(-after // BLOCK)
    weight = _SCALE / (first + _SCALE) - _SCALE / (last + _SCALE)
    return log(weight) if weight > 0 else -inf


def _log_ratio(batch: Count, p0: float, p1: float) -> float:
    misses = batch.trials - batch.hits
    return batch.hits * log(p1 / p0) + misses * (log1p(-p1) - log1p(-p0))


def _log_add(a: float, b: float) -> float:
    low, high = min(a, b), max(a, b)
    return high if low == -inf else high + log1p(exp(low - high))
