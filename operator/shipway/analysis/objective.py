"""Which of the answers of one look are good by an objective."""

from collections.abc import Sequence

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.ratio import NO_SUMS
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.objectives import Objective


def counted(objective: Objective, samples: Sequence[Sample]) -> Count:
    """All answers of one look, and the bad ones.

    Args:
        objective: What is good.
        samples: What each predictor has answered since the look before.
    """
    if objective.type == "Metric":
        return _beyond(objective, samples)
    each = [_slow(objective, sample) if objective.type == "Latency" else sample.answers for sample in samples]
    return sum(each, NOTHING)


def _slow(objective: Objective, sample: Sample) -> Count:
    if sample.latency is None or objective.milliseconds is None:
        return NOTHING
    buckets = sample.latency.buckets
    # The last bucket has no bound: what lies there is slow for certain, or nothing ever would be.
    return sample.latency.slower_than(min(buckets.holding(objective.milliseconds / 1000), buckets.size - 2))


def _beyond(objective: Objective, samples: Sequence[Sample]) -> Count:
    """Predictors tell sums: so all answers of one look are good, or all are bad."""
    name = objective.metric or objective.name
    sums = sum((sample.metrics.get(name, NO_SUMS) for sample in samples), NO_SUMS)
    if not sums.bottom:
        return NOTHING
    value = sums.top / sums.bottom
    above = objective.at_most is not None and value > float(objective.at_most)
    below = objective.at_least is not None and value < float(objective.at_least)
    return Count(sums.trials, sums.trials if above or below else 0)
