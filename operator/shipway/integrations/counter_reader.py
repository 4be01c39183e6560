"""Reads what one predictor has counted, over HTTP: a tenant's pod answers, so nothing it says is taken on trust."""

import asyncio
from dataclasses import replace
from typing import Annotated, Self

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from shipway.analysis.bins import Bins, Scores
from shipway.analysis.labels import Cohort, Labelled
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.ratio import Ratio
from shipway.integrations.answer import body_of, first_of, one_line
from shipway.integrations.tally import Counters, Target

PORT = 8090
PATH = "/counters"
TIMEOUT_SECONDS = 1.0
MAX_BODY_BYTES = 128 * 1024
"""Whatever runs in that pod, it must not fill the operator's memory. Our predictor answers with 2 KiB as a rule, with
100 at the most: labels of four versions in every minute of an hour (38), and 32 slices with latencies in every bucket,
now and a minute ago (55)."""
MAX_COMPLAINT = 300
"""Characters of a complaint, parts of which the pod may have chosen."""


class CounterReader:
    """Reads the counters of pods.

    Args:
        session: To read with; closed with the reader.
        port: Port of the counters.
    """

    def __init__(self, session: aiohttp.ClientSession, *, port: int = PORT) -> None:
        self._session = session
        self._port = port

    async def read(self, target: Target) -> Counters | str:
        """The counters of a pod, or why there are none."""
        host = f"[{target.address}]" if ":" in target.address else target.address
        url = f"http://{host}:{self._port}{PATH}{'?answers=true' if target.paired else ''}"
        try:
            return _Payload.model_validate_json(await self._fetch(url)).counters()
        except TimeoutError:
            return f"{url} gave no answer within {TIMEOUT_SECONDS:g} s"
        except ValidationError as error:
            return one_line(f"{url}: {first_of(error)}", at_most=MAX_COMPLAINT)
        except (aiohttp.ClientError, OSError) as error:
            return one_line(f"{url}: {error or type(error).__name__}", at_most=MAX_COMPLAINT)

    async def close(self) -> None:
        """Read no more."""
        await self._session.close()

    async def _fetch(self, url: str) -> bytes:
        """The answer as it comes: a tenant's pod may not send the operator elsewhere, nor unpack itself in it."""
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            self._session.get(url, allow_redirects=False, auto_decompress=False) as response,
        ):
            if response.status != 200:
                raise aiohttp.ClientPayloadError(f"answered with status {response.status} instead of 200")
            return await body_of(response, at_most=MAX_BODY_BYTES)


_Count = Annotated[int, Field(ge=0, le=2**53)]
"""What a float still holds exactly."""


class _Latency(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, allow_inf_nan=False)
    first_bound: PositiveFloat
    ratio: float = Field(gt=1)
    counts: list[_Count] = Field(min_length=2, max_length=256)

    def read(self) -> Histogram:
        return Histogram(Buckets(self.first_bound, self.ratio, len(self.counts)), tuple(self.counts))


class _Scores(BaseModel):
    scale: str = Field(min_length=1, max_length=64)
    counts: list[_Count] = Field(min_length=2, max_length=512)

    def read(self) -> Scores:
        return Scores(self.scale, Bins(tuple(self.counts)))


_Name = Annotated[str, Field(max_length=63)]
_Sum = Annotated[float, Field(ge=0, le=1e30)]


class _Sums(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, allow_inf_nan=False)
    answers: _Count
    top: _Sum
    bottom: _Sum
    top_squares: _Sum
    products: _Sum
    bottom_squares: _Sum

    def read(self) -> Ratio:
        totals = (self.top, self.bottom, self.top_squares, self.products, self.bottom_squares)
        return Ratio(self.answers, *totals)


_Row = tuple[_Sum, _Count, _Count, _Count, _Sum, _Sum, _Sum, _Sum, _Sum, _Sum]
"""The end of a cohort, its predictions, and the sums of those whose label is known, in the order of Labelled."""


class _Labels(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)
    versions: dict[_Name, Annotated[list[_Row], Field(max_length=128)]] = Field(max_length=4)

    @model_validator(mode="after")
    def _parts_are_parts(self) -> "_Labels":
        for rows in self.versions.values():
            for _, _, labelled, positives, predicted, _, of_positives, loss, _, loss_of_positives in rows:
                if positives > labelled or predicted > labelled or of_positives > predicted or loss_of_positives > loss:
                    raise ValueError("a part of a cohort is larger than the whole")
        return self

    def read(self) -> dict[str, tuple[Cohort, ...]]:
        return {
            version: tuple(
                Cohort(end, made, Labelled(labelled, positives, *sums))
                for end, made, labelled, positives, *sums in rows
            )
            for version, rows in self.versions.items()
        }


class _Answered(BaseModel):
    """What was counted up to some moment."""

    model_config = ConfigDict(alias_generator=to_camel, allow_inf_nan=False)
    requests: _Count
    errors: _Count
    latency: _Latency

    @model_validator(mode="after")
    def _errors_are_answers(self) -> Self:
        if self.errors > self.requests:
            raise ValueError(f"errors ({self.errors}) exceed requests ({self.requests})")
        return self

    def counted(self, started_at: float) -> Counters:
        return Counters(started_at, self.requests, self.errors, self.latency.read())


class _Sliced(_Answered):
    """The same, and how much of it was of which slice."""

    slices: dict[_Name, _Answered] | None = Field(default=None, max_length=32)

    @model_validator(mode="after")
    def _slices_count_alike(self) -> Self:
        buckets = self.latency.read().buckets
        for name, part in (self.slices or {}).items():
            if part.latency.read().buckets != buckets:
                raise ValueError(f"slice {name} counts latency in other buckets than all answers together")
        return self

    def counted(self, started_at: float) -> Counters:
        whole = super().counted(started_at)
        if self.slices is None:
            return whole
        return replace(whole, slices={name: part.counted(started_at) for name, part in self.slices.items()})


_Prediction = Annotated[float, Field(allow_inf_nan=False)]
_Pair = tuple[_Name, Annotated[tuple[_Prediction, ...], Field(max_length=16)] | None]
"""A request, and what it was answered with; nothing where that failed."""


class _Head(BaseModel):
    schema_: int = Field(alias="schema", ge=1, le=3)
    started_at: float


class _Payload(_Sliced, _Head):
    """The answer of `/counters`: schema 1, schema 2 which may have more, and schema 3 which may have slices."""

    slices_left_out: _Count = 0
    before: _Sliced | None = None
    scores: _Scores | None = None
    metrics: dict[_Name, _Sums] | None = Field(default=None, max_length=16)
    labels: _Labels | None = None
    answers: Annotated[list[_Pair], Field(max_length=256)] | None = None

    def counters(self) -> Counters:
        return replace(
            self.counted(self.started_at),
            scores=self.scores.read() if self.scores else None,
            metrics={name: sums.read() for name, sums in (self.metrics or {}).items()},
            labels=self.labels.read() if self.labels else {},
            before=self.before.counted(self.started_at) if self.before else None,
            left_out=self.slices_left_out,
            answers=self.answers,
        )
