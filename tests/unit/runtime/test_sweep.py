"""When the safety net is cast: once a watch's new list is over, and when the period is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest

from shipway.kube.client import Client, Listing
from shipway.kube.resource import MODEL, POD, TRAINING_JOB, Resource
from shipway.runtime.cache import ObjectCache
from shipway.runtime.feed import Feed
from shipway.runtime.queue import WorkQueue
from shipway.runtime.source import Source
from shipway.runtime.sweep import Sweeper

PERIOD = 120.0


class EnoughError(Exception):
    """The clock was asked to go on for longer than the story lasts."""


class Server:
    """Has nothing, and remembers who asked when."""

    def __init__(self, clock: "Story") -> None:
        self.asked: list[tuple[float, Resource]] = []
        self._clock = clock

    async def parts(self, resource: Resource, *_: Any, **__: Any) -> AsyncIterator[Listing]:
        self.asked.append((self._clock.monotonic(), resource))
        yield Listing([], "1")


class Story:
    """A clock that jumps, with what happens at which second on it."""

    def __init__(self, *, ends: float) -> None:
        self.happens: list[tuple[float, Resource]] = []
        self.sweeper: Sweeper | None = None
        self._now, self._ends = 0.0, ends

    def now(self) -> float:
        return self._now

    monotonic = now

    async def sleep(self, seconds: float) -> None:
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        until = self._now + (seconds or 0.0)
        while self.happens and self.happens[0][0] <= until and not event.is_set():
            self._now, resource = self.happens.pop(0)
            assert self.sweeper is not None
            self.sweeper.soon(resource)
        if not event.is_set():
            self._now = until
        if self._now >= self._ends:
            raise EnoughError
        await asyncio.sleep(0)


async def swept(*happens: tuple[float, Resource], seconds: float) -> list[tuple[float, Resource]]:
    """When which resource was listed, in so many seconds in which objects of lists came at those times."""
    clock, cache = Story(ends=seconds), ObjectCache()
    clock.happens = sorted(happens, key=lambda each: each[0])
    server, queue = Server(clock), WorkQueue(clock)
    clock.sweeper = Sweeper(
        [Source(TRAINING_JOB), Source(MODEL), Source(POD)],
        own=[TRAINING_JOB, MODEL],
        client=cast("Client", server),
        cache=cache,
        feed=Feed(cache, queue, []),
        queue=queue,
        clock=clock,
        period=PERIOD,
    )
    with suppress(EnoughError):
        await clock.sweeper.run()
    return server.asked


async def test_a_list_is_followed_by_one_sweep_however_long_it_takes() -> None:
    objects = [(10 + number / 4, TRAINING_JOB) for number in range(40)]

    assert await swept(*objects, seconds=60) == [(pytest.approx(20.75), TRAINING_JOB)]


async def test_two_lists_with_time_between_them_are_followed_by_a_sweep_each() -> None:
    found = await swept((10, TRAINING_JOB), (30, MODEL), seconds=60)

    assert found == [(pytest.approx(11), TRAINING_JOB), (pytest.approx(31), MODEL)]


async def test_everything_is_swept_when_the_period_is_over() -> None:
    found = await swept(seconds=PERIOD + 10)

    assert found == [(PERIOD, TRAINING_JOB), (PERIOD, MODEL), (PERIOD, POD)]


async def test_a_list_without_an_end_does_not_hold_up_the_period() -> None:
    objects = [(number / 4, MODEL) for number in range(4, 600)]

    assert (PERIOD, POD) in await swept(*objects, seconds=PERIOD + 10)
