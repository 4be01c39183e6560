"""What answers say that they are worth: numbers that can be read are summed up, anything else is left out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway_workloads.serving.business import MAX_METRICS, BusinessMetrics, Sums
from shipway_workloads.serving.business_body import MAX_BODY_BYTES


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


V1: dict[str, Any] = {"predictions": [0.83]}
V2: dict[str, Any] = {"model_name": "m", "outputs": [{"name": "p", "datatype": "FP64", "shape": [1], "data": [0.8]}]}


def in_body(body: bytes, *headers: tuple[bytes, bytes]) -> BusinessMetrics:
    metrics = BusinessMetrics()
    metrics.observe(headers, body)
    return metrics


def bearing(parameters: object, answer: dict[str, Any] = V1) -> bytes:
    return json.dumps({**answer, "parameters": parameters}).encode()


@pytest.mark.parametrize("answer", [V1, V2], ids=["V1", "V2"])
def test_a_body_bears_values_and_ratios_in_its_parameters(answer: dict[str, Any]):
    body = bearing({"shipway-metric-margin": 0.5, "shipway-metric-missing": "3/20", "priority": 7}, answer)
    assert in_body(body).sums == {
        "margin": Sums(1, 0.5, 1.0, 0.25, 0.5, 1.0),
        "missing": Sums(1, 3.0, 20.0, 9.0, 60.0, 400.0),
    }


NO_AMOUNTS = [True, None, [1], {"a": 1}, "much", -1, float("nan"), 10**400, "1/2/3", "\ud800", "½"]


@pytest.mark.parametrize("value", NO_AMOUNTS)
def test_what_is_no_amount_in_a_body_is_left_out(value: object):
    assert in_body(bearing({"shipway-metric-margin": value})).sums == {}


@pytest.mark.parametrize(
    "body",
    [
        bearing({"shipway-metric-a b": 1, "shipway-metric-": 1, "shipway-metric-\ud800": 1, "SHIPWAY-METRIC-a": 1}),
        bearing(["shipway-metric-a"]),
        b'["shipway-metric-a"]',
        b'{"outputs": [{"parameters": {"shipway-metric-a": 1}}]}',
        b'{"parameters": {"shipway-metric-a": 1}',
        b'{"parameters": {"shipway-metric-a": 1' + b"0" * 5000 + b"}}",
        b'{"shipway-metric-a": ' + b"[" * 100_000,
        b"shipway-metric-a \xff",
    ],
    ids=["names", "a list", "no object", "of an output", "cut off", "a long number", "deep", "no JSON"],
)
def test_what_is_no_metric_in_a_body_is_left_out(body: bytes):
    assert in_body(body).sums == {}


def test_a_body_that_is_too_long_is_left_alone():
    longest = bearing({"shipway-metric-a": 1, "filler": ""})
    filler = "x" * (MAX_BODY_BYTES - len(longest))
    assert in_body(bearing({"shipway-metric-a": 1, "filler": filler})).sums
    assert not in_body(bearing({"shipway-metric-a": 1, "filler": filler + "x"})).sums


def test_one_answer_counts_once_and_its_header_has_the_word():
    metrics = in_body(bearing({"shipway-metric-a": 1, "shipway-metric-b": 2}), (b"x-shipway-metric-a", b"5"))
    assert {name: (sums.answers, sums.top) for name, sums in metrics.sums.items()} == {"a": (1, 5.0), "b": (1, 2.0)}


def test_names_of_bodies_without_end_are_not_all_kept():
    metrics = in_body(bearing({f"shipway-metric-m{number}": 1 for number in range(100)}))
    assert len(metrics.sums) == MAX_METRICS


@given(st.binary(max_size=200))
def test_whatever_a_body_has_in_it_the_answer_goes_its_way(rest: bytes):
    assert in_body(b"shipway-metric-" + rest).sums == {}
