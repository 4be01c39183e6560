"""Which answers are good: by their status, by their time, or by what they say of the features they were made from."""

from typing import Any

import pytest

from shipway.analysis.counts import Count
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.objective import counted
from shipway.analysis.ratio import Ratio
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.objectives import Objective

OTHER = Buckets(0.01, 2.0, 3)
DOUBLING = Buckets(0.05, 2.0, 4)


def objective(type_: str, **fields: Any) -> Objective:
    return Objective.model_validate({"name": "o", "type": type_, "target": "0.99", **fields})


def saying(top: float, bottom: float, *, answers: int = 10, metric: str = "missing") -> Sample:
    return Sample(Count(answers, 0), metrics={metric: Ratio(answers, top, bottom)})


def test_availability_counts_answers_with_status_5xx_over_all_predictors():
    assert counted(objective("Availability"), [Sample(Count(10, 1)), Sample(Count(5, 2))]) == Count(15, 3)


@pytest.mark.parametrize(("milliseconds", "slow"), [(50, 12), (100, 7), (101, 4), (200, 4), (5000, 4)])
def test_latency_counts_what_took_longer_than_the_next_bound_or_than_the_last_one(milliseconds: int, slow: int):
    samples = [Sample(latency=Histogram(DOUBLING, counts)) for counts in ((8, 4, 1, 3), (0, 1, 2, 1))]
    assert counted(objective("Latency", milliseconds=milliseconds), samples) == Count(20, slow)


def test_predictors_with_other_buckets_are_counted_each_by_its_own():
    samples = [Sample(latency=Histogram(DOUBLING, (1, 1, 1, 1))), Sample(latency=Histogram(OTHER, (1, 1, 1)))]
    assert counted(objective("Latency", milliseconds=100), samples) == Count(7, 3)


def test_a_predictor_that_counts_no_times_says_nothing_of_them():
    assert counted(objective("Latency", milliseconds=100), [Sample(Count(5, 5))]) == Count()


@pytest.mark.parametrize(("top", "bad"), [(5, 0), (5.01, 20), (0, 0)])
def test_a_ratio_above_its_limit_makes_all_answers_of_that_look_bad(top: float, bad: int):
    samples = [saying(top, 50), saying(0, 50)]
    assert counted(objective("Metric", metric="missing", atMost="0.05"), samples) == Count(20, bad)


def test_a_mean_below_its_limit_is_bad_where_more_is_better():
    told = [Sample(metrics={"o": Ratio.of_mean(4, 2.0, 1.0)})]
    assert counted(objective("Metric", atLeast="0.6"), told) == Count(4, 4)
    assert counted(objective("Metric", atLeast="0.5"), told) == Count(4, 0)


def test_answers_that_do_not_bear_the_metric_count_for_nothing():
    assert counted(objective("Metric", metric="age", atMost="1"), [Sample(Count(9, 9)), saying(3, 0)]) == Count()
