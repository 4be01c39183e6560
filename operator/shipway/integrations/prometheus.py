"""Prometheus: one number for one query, by its HTTP API v1."""

from contextlib import suppress
from math import isfinite
from typing import Annotated, Literal

import aiohttp
from pydantic import BaseModel, Field

from shipway.analysis.answers import NoAnswer
from shipway.integrations.answer import TIMEOUT_SECONDS, asked, body_of, one_line
from shipway.kube.wire import AS_IT_COMES

PATH = "/api/v1/query"
WHO = "Prometheus"
_HINT = "PromQL info:"
"""How a hint begins, which says nothing against the number; before 2.54 hints stood among the warnings."""


class Prometheus:
    """The one Prometheus of the operator's settings: tenants choose the query, never whom it is put to.

    Args:
        url: Where it is, such as http://prometheus.monitoring.svc:9090.
        session: To ask with.
    """

    def __init__(self, url: str, *, session: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/") + PATH
        self._session = session

    async def number(self, query: str) -> float | NoAnswer:
        """What a query gives now: exactly one finite number without warnings, or in words why not."""
        return await asked(WHO, self._number(query))

    async def _number(self, query: str) -> float | NoAnswer:
        parameters = {"query": query, "timeout": f"{TIMEOUT_SECONDS:g}s"}
        async with self._session.get(
            self._url, params=parameters, headers=AS_IT_COMES, allow_redirects=False, auto_decompress=False
        ) as response:
            body = await body_of(response)
        if response.content_type != "application/json":
            return NoAnswer(f"{WHO} answered with status {response.status} and no JSON")
        answer = _Answer.model_validate_json(body)
        if response.status != 200 and answer.status == "success":
            return NoAnswer(f"{WHO} answered with status {response.status} instead of 200")
        return _read(answer)


_Sample = tuple[float, Annotated[str, Field(max_length=64)]]
"""Unix seconds and the value as text."""


class _Series(BaseModel):
    value: _Sample | None = None
    """None where the sample is a histogram."""


class _Vector(BaseModel):
    type: Literal["vector"] = Field(alias="resultType")
    result: list[_Series]


class _Scalar(BaseModel):
    type: Literal["scalar"] = Field(alias="resultType")
    result: _Sample


class _Other(BaseModel):
    type: Literal["matrix", "string"] = Field(alias="resultType")


class _Answer(BaseModel):
    status: Literal["success", "error"]
    data: Annotated[_Vector | _Scalar | _Other, Field(discriminator="type")] | None = None
    error_type: str = Field(default="", alias="errorType")
    error: str = ""
    warnings: list[str] = []


def _read(answer: _Answer) -> float | NoAnswer:
    if answer.status == "error":
        return NoAnswer(one_line(f"{WHO}: {answer.error_type}: {answer.error}"))
    if warnings := [each for each in answer.warnings if not each.startswith(_HINT)]:
        return NoAnswer(one_line(f"{WHO} warns: {warnings[0]}"))
    if answer.data is None:
        return NoAnswer(f"{WHO} gave no result")
    sample = _only_sample(answer.data)
    if isinstance(sample, NoAnswer):
        return sample
    return _number(sample[1])


def _number(text: str) -> float | NoAnswer:
    with suppress(ValueError):
        if isfinite(number := float(text)):
            return number
    return NoAnswer(one_line(f"the query gives {text}, which is no number to compare"))


def _only_sample(data: _Vector | _Scalar | _Other) -> _Sample | NoAnswer:
    if isinstance(data, _Scalar):
        return data.result
    if isinstance(data, _Other):
        return NoAnswer(f"the query gives a {data.type}; write one that gives one number")
    if len(data.result) != 1:
        return NoAnswer(f"the query gives {len(data.result) or 'no'} series; write one that gives exactly one")
    (only,) = data.result
    return only.value or NoAnswer("the query gives a histogram; write one that gives one number")
