"""Slices that requests declare: what is counted of them, whatever a client writes, and that it can all be read."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.integrations.counter_reader import MAX_BODY_BYTES, _Payload
from shipway_workloads.serving.business import Sums
from shipway_workloads.serving.counters import Counters, requests_of
from shipway_workloads.serving.labels import KEPT_SECONDS, MAX_VERSIONS, Cohort, LateLabels
from shipway_workloads.serving.lately import Lately
from shipway_workloads.serving.latency import LatencyHistogram
from shipway_workloads.serving.slices import HEADER, MAX_OF_REQUEST, MAX_SLICES, Answered, Slices, declared

NAME = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def names(value: bytes) -> tuple[str, ...]:
    return tuple(declared([(b"host", b"ranker"), (HEADER, value)]))


@given(st.lists(NAME, min_size=1, max_size=MAX_OF_REQUEST, unique=True), st.sampled_from([",", ", ", " , "]))
def test_up_to_four_names_are_read_whatever_space_is_between_them(wanted: list[str], comma: str):
    value = comma.join(wanted).encode()
    assert names(value) == (tuple(wanted) if len(value) <= 260 else ())


@given(st.binary(max_size=400))
def test_whatever_a_client_writes_is_four_names_at_most(value: bytes):
    found = names(value)
    assert len(found) == len(set(found)) <= MAX_OF_REQUEST
    assert all(name.isascii() and 1 <= len(name) <= 63 and name == name.lower() for name in found)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"acme, de", ("acme", "de")),
        (b"acme,,de", ("acme", "de")),
        (b"acme,acme", ("acme",)),
        (b"Acme, a_b, -a, a-, a/b, \xff, de", ("de",)),
        (b"a,b,c,d,e", ("a", "b", "c", "d")),
        (b"a" * 64, ()),
        (b"acme\n", ("acme",)),
        (b"a, " * 100, ()),
        (b"", ()),
    ],
)
def test_what_is_no_name_is_left_out(value: bytes, found: tuple[str, ...]):
    assert names(value) == found


def test_a_request_without_the_header_is_of_no_slice():
    assert declared([(b"host", b"ranker")]) == ()


def test_each_slice_of_a_request_is_counted():
    slices = Slices()
    slices.observe(("acme", "de"), failed=True, seconds=0.5)
    slices.observe(("de",), failed=False, seconds=0.5)
    assert {name: (found.requests, found.errors) for name, found in slices.answered.items()} == {
        "acme": (1, 1),
        "de": (2, 1),
    }
    assert sum(slices.answered["de"].latency.counts) == 2


def test_names_without_end_are_not_all_kept_and_how_many_were_not_is_told():
    slices = Slices()
    for number in range(100):
        slices.observe((f"s{number}",), failed=False, seconds=0.1)
    slices.observe(("s0",), failed=False, seconds=0.1)
    assert (len(slices.answered), slices.left_out) == (MAX_SLICES, 100 - MAX_SLICES)
    assert slices.answered["s0"].requests == 2


def full() -> Counters:
    """A predictor after ten billion answers of every kind there is."""
    many = 10**10
    latency = LatencyHistogram([many] * 52)
    labels = LateLabels(lambda: 1_795_562_960.0)
    for version in range(MAX_VERSIONS):
        row = Cohort(*[10**7] * 3, *[123456.12345678901] * (len(fields(Cohort)) - 3))
        labels.cohorts[f"{version:063}"] = {1_795_562_960 - second: row for second in range(0, KEPT_SECONDS, 60)}
    counters = Counters(
        pod="p" * 63,
        started_at=1_795_562_947.97123,
        model="m" * 63,
        version="v" * 63,
        digest="sha256:" + "0" * 64,
        requests=many,
        errors=many,
        client_errors=many,
        latency=latency,
        slices=Slices({f"{number:063}": Answered(many, many, latency) for number in range(MAX_SLICES)}, many),
        labels=labels,
        lately=Lately(requests_of, lambda: 0.0),
    )
    counters.scores.counts[:] = [many] * len(counters.scores.counts)
    counters.metrics.sums |= {f"{number:063}": Sums(many, *[1234567890.1234567] * 5) for number in range(16)}
    counters.observe(status=200, seconds=0.001)
    return counters


def test_the_operator_takes_the_longest_answer_that_there_can_be():
    body = json.dumps(full().to_json())
    assert 90_000 < len(body) < MAX_BODY_BYTES
    told = _Payload.model_validate_json(body).counters()
    assert told.slices is not None
    assert told.before is not None
    assert told.before.slices is not None
    assert len(told.slices) == len(told.before.slices) == MAX_SLICES
    assert told.left_out == 10**10
