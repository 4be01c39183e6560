"""The safety net below the watches: now and then compare the cache with a list of metadata, and look at every key.

A watch that starts anew after a gap replays what exists, never what was deleted meanwhile. The sweep notices those, and
also changes that a watch which looks alive has not brought, and asks for the objects that no watch selects any more.
"""

import asyncio
import logging
import zlib
from collections.abc import Mapping, Sequence

from shipway.kube.client import Client
from shipway.kube.errors import ApiError, NotFoundError
from shipway.kube.resource import Key, Object, Resource
from shipway.kube.shapes import Identity
from shipway.runtime import metrics
from shipway.runtime.cache import ObjectCache, Place, place_of, uid_of
from shipway.runtime.clock import Clock
from shipway.runtime.feed import Feed
from shipway.runtime.queue import Priority, WorkQueue
from shipway.runtime.source import Source, forget_missing

GRACE_SECONDS = 5.0
RESYNC_SECONDS = 600.0
LIST_SECONDS = 1.0
"""After so long without another object of it the list of a watch is over. To sweep before that is in vain, and over ten
thousand objects it was done again and again."""

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps all sources once per period, and one of them at once when asked to.

    Args:
        sources: What is in the cache.
        own: The kinds whose keys are looked at again, spread over ten minutes.
        client: To list with.
        cache: What to compare.
        feed: Where missed changes go.
        queue: Where keys go.
        clock: For the period.
        period: Seconds between two sweeps.
        grace: Seconds a watch has to bring a change that a list has shown.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        own: Sequence[Resource],
        client: Client,
        cache: ObjectCache,
        feed: Feed,
        queue: WorkQueue,
        clock: Clock,
        period: float,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._sources = sources
        self._own = own
        self._client = client
        self._cache = cache
        self._feed = feed
        self._queue = queue
        self._clock = clock
        self._period = period
        self._grace = grace
        self._asked: dict[Resource, float] = {}
        self._ask = asyncio.Event()
        self._missing_in_a_row: dict[Source, int] = {}

    def soon(self, resource: Resource) -> None:
        """Sweep a resource once its list is over: its watch has started anew, and brings one object after the other."""
        self._asked[resource] = self._clock.monotonic()
        self._ask.set()

    async def run(self) -> None:
        """Sweep until cancelled."""
        rounds, due = 0, self._clock.monotonic() + self._period
        while True:
            await self._clock.wait(self._ask, max(0.0, due - self._clock.monotonic()))
            await self._lists_end(due)
            asked, self._asked = self._asked, {}
            self._ask.clear()
            for source in self._sources:
                if source.resource in asked:
                    await self._sweep(source)
            if self._clock.monotonic() < due:
                continue
            for source in self._sources:
                await self._sweep(source)
            self._resync(rounds)
            rounds, due = rounds + 1, self._clock.monotonic() + self._period

    def problem(self) -> str | None:
        """What is wrong with a watch; None unless two sweeps in a row found changes that it had not brought."""
        for source, times in self._missing_in_a_row.items():
            if times >= 2:
                return f"the watch of {source} does not bring changes: {times} sweeps in a row found some"
        return None

    async def _lists_end(self, due: float) -> None:
        while self._asked:
            pause = min(max(self._asked.values()) + LIST_SECONDS, due) - self._clock.monotonic()
            if pause <= 0:
                return
            await self._clock.sleep(pause)

    async def _sweep(self, source: Source) -> None:
        try:
            items, version = await self._listed(source)
            seen = {place_of(item): uid_of(item) for item in items}
            deleted = forget_missing(source, seen, version, self._cache, self._feed)
            changed = await self._catch_up(source, items)
            await self._look_after_unwatched(source, seen, version)
        except NotFoundError:
            return
        except ApiError as error:
            log.warning("sweep of %s failed: %s", source, error)
            return
        self._missing_in_a_row[source] = self._missing_in_a_row.get(source, 0) + 1 if changed else 0
        for change, number in (("deleted", deleted), ("changed", changed)):
            if number:
                metrics.MISSED.labels(source.resource.plural, change).inc(number)
                log.warning("sweep of %s: %d %s that no watch had brought", source, number, change)

    async def _listed(self, source: Source) -> tuple[list[Object], int]:
        """Which incarnations and versions there are, and no more: all metadata of 20,000 pods took half a gigabyte."""
        items: list[Object] = []
        version = ""
        parts = self._client.parts(
            source.resource, source.namespace, selector=source.selector, metadata_only=True, shape=Identity
        )
        async for part in parts:
            items.extend(part.items)
            version = part.resource_version
        return items, int(version)

    async def _look_after_unwatched(self, source: Source, seen: Mapping[Place, str], version: int) -> None:
        """Ask for what we took in by its name and no watch selects: a stranger has taken its labels."""
        rivals = [other for other in self._sources if other.resource == source.resource]
        for obj in tuple(self._cache.unlisted(source.resource, seen, version)):
            namespace, name = place_of(obj)
            if source.namespace not in (None, namespace) or any(other.covers(obj) for other in rivals):
                continue
            try:
                found = await self._client.get(source.resource, namespace, name)
            except NotFoundError:
                self._feed.deleted(source.resource, obj, gone_for_good=True)
            else:
                self._feed.changed(source.resource, source.reduce(found))

    async def _catch_up(self, source: Source, items: Sequence[Object]) -> int:
        if not any(self._cache.is_news(source.resource, item) for item in items):
            return 0
        await self._clock.sleep(self._grace)
        missed = [item for item in items if self._cache.is_news(source.resource, item)]
        return sum([await self._fetch(source, item) for item in missed])

    async def _fetch(self, source: Source, item: Object) -> bool:
        namespace, name = place_of(item)
        try:
            obj = await self._client.get(source.resource, namespace, name)
        except NotFoundError:
            return False
        return self._feed.changed(source.resource, source.reduce(obj))

    def _resync(self, rounds: int) -> None:
        share = max(1, round(RESYNC_SECONDS / self._period))
        for resource in self._own:
            for place in self._cache.places(resource):
                key = Key(resource.kind, *place)
                if zlib.crc32(str(key).encode()) % share == rounds % share:
                    self._queue.add(key, Priority.LOW)
