"""One query against a real HTTP server: one number, or in words why there is none."""

from typing import Any

import aiohttp
import pytest

from shipway.analysis.answers import NoAnswer
from shipway.integrations import answer
from shipway.integrations.prometheus import Prometheus
from unit.integrations.strangers import TOO_LONG, stranger


def vector(*values: str) -> dict[str, Any]:
    series = [{"metric": {"pod": str(number)}, "value": [1800000000.5, value]} for number, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


def other(type_: str, result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": type_, "result": result}}


REFUSED = {"status": "error", "errorType": "bad_data", "error": 'parse error at char 5:\nunexpected ")"'}
HISTOGRAM = {"metric": {}, "histogram": [1800000000.5, {"count": "3", "sum": "4", "buckets": []}]}


async def asked(said: Any, query: str = "up") -> float | NoAnswer:
    async with stranger() as server, aiohttp.ClientSession() as session:
        server.answer = said
        number = await Prometheus(f"http://127.0.0.1:{server.port}/", session=session).number(query)
        assert server.heard == [("GET", "/api/v1/query", query)]
        return number


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (vector("0.0125"), 0.0125),
        (vector("-3e-7"), -3e-7),
        (other("scalar", [1800000000, "42"]), 42.0),
        (vector("1") | {"infos": ["PromQL info: metric might not be a counter"]}, 1.0),
        (vector("1") | {"warnings": ["PromQL info: metric might not be a counter"]}, 1.0),
    ],
    ids=["a vector of one", "a negative number", "a scalar", "with a hint", "with a hint as it was before 2.54"],
)
async def test_one_sample_is_a_number(said: Any, number: float):
    assert await asked(said) == number


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (vector(), "the query gives no series; write one that gives exactly one"),
        (vector("1", "2"), "the query gives 2 series; write one that gives exactly one"),
        (vector("NaN"), "the query gives NaN, which is no number to compare"),
        (vector("+Inf"), "the query gives +Inf, which is no number to compare"),
        (vector("one"), "the query gives one, which is no number to compare"),
        (other("vector", [HISTOGRAM]), "the query gives a histogram; write one that gives one number"),
        (other("matrix", []), "the query gives a matrix; write one that gives one number"),
        (other("string", [1800000000, "x"]), "the query gives a string; write one that gives one number"),
        ((400, REFUSED), 'Prometheus: bad_data: parse error at char 5: unexpected ")"'),
        (vector("1") | {"warnings": ["some targets\nare gone"]}, "Prometheus warns: some targets are gone"),
        ((302, vector("1")), "Prometheus answered with status 302 instead of 200"),
        ((500, vector("1")), "Prometheus answered with status 500 instead of 200"),
        (TOO_LONG, "Prometheus: the answer is longer than 65536 bytes"),
        (b"<html>", "Prometheus: answer: Invalid JSON: expected value at line 1 column 1"),
        ({"status": "success"}, "Prometheus gave no result"),
    ],
)
async def test_anything_else_is_no_number_and_told_in_words(said: Any, why: str):
    assert await asked(said) == NoAnswer(why)


async def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answer, "TIMEOUT_SECONDS", 1.0)
    assert await asked(TimeoutError()) == NoAnswer("Prometheus gave no answer within 1 s")


async def test_who_is_not_there_is_told_without_his_address():
    async with aiohttp.ClientSession() as session:
        why = await Prometheus("http://127.0.0.1:1", session=session).number("up")
    assert why == NoAnswer("Prometheus cannot be reached: ClientConnectorError")
