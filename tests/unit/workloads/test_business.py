"""What answers say that they are worth: numbers that can be read are summed up, anything else is left out."""

import pytest

from shipway_workloads.serving.business import MAX_METRICS, BusinessMetrics, Sums


def told(name: str, *values: str) -> BusinessMetrics:
    metrics = BusinessMetrics()
    metrics.observe((f"x-shipway-metric-{name}".encode(), value.encode()) for value in values)
    return metrics


def test_a_plain_value_is_one_of_a_mean():
    assert told("margin", "0.5", "2").sums == {"margin": Sums(2, 2.5, 2.0, 4.25, 2.5, 2.0)}


def test_two_values_are_those_of_a_ratio():
    assert told("missing", "3/20").sums == {"missing": Sums(1, 3.0, 20.0, 9.0, 60.0, 400.0)}


@pytest.mark.parametrize("value", ["", "much", "-1", "nan", "inf", "1e300", "1/", "/2", "1/2/3", "1/-2"])
def test_what_is_no_amount_is_left_out(value: str):
    assert told("margin", value).sums == {}


@pytest.mark.parametrize("name", ["", "a b", "a_b", "-a", "a" * 64])
def test_what_is_no_name_is_left_out(name: str):
    assert told(name, "1").sums == {}


def test_names_without_end_are_not_all_kept():
    metrics = BusinessMetrics()
    for number in range(100):
        metrics.observe([(f"x-shipway-metric-m{number}".encode(), b"1")])
    metrics.observe([(b"x-shipway-metric-m0", b"1")])
    assert len(metrics.sums) == MAX_METRICS
    assert metrics.sums["m0"].answers == 2
