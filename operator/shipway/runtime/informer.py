"""Keeps the cache in step with what we do not own the kind of: list, then watch, for ever.

A resource whose CRD is not installed is asked for again every half minute: integrations start by themselves when they
are installed, and end when they are removed.
"""

import asyncio
import logging

from shipway.kube.client import Client
from shipway.kube.errors import ApiError, GoneError, NotFoundError
from shipway.runtime import metrics
from shipway.runtime.cache import ObjectCache
from shipway.runtime.clock import Clock
from shipway.runtime.feed import Feed
from shipway.runtime.source import Source, forget_missing, load

POLL_SECONDS = 20.0
PAUSE_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 20.0
SILENT_SECONDS = 300.0
"""Bookmarks come once a minute; a watch without a word for this long is dead."""

log = logging.getLogger(__name__)


class Informer:
    """One source, followed.

    Args:
        source: What to follow.
        client: To list and watch with.
        cache: To compare with after a list.
        feed: Where changes go.
        clock: For pauses and the watch's age.
        poll_seconds: How often an absent resource is asked for.
    """

    def __init__(
        self,
        source: Source,
        *,
        client: Client,
        cache: ObjectCache,
        feed: Feed,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.source = source
        self.settled = asyncio.Event()
        """Set once the first list is in or the resource is known to be absent."""
        self.present = False
        """Whether the resource is served and its first list is in."""
        self._client = client
        self._cache = cache
        self._feed = feed
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._version: str | None = None
        self._failures = 0
        self._heard = clock.monotonic()
        cache.set_synced(source.resource, source, synced=False)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._clock.sleep(await self._follow())

    def problem(self) -> str | None:
        """What is wrong with the watch; None when it lives or there is nothing to watch."""
        if self.settled.is_set() and not self.present:
            return None
        silent = self._clock.monotonic() - self._heard
        if silent <= SILENT_SECONDS:
            return None
        return f"no word of {self.source} for {silent:.0f} s, more than {SILENT_SECONDS:.0f} s"

    async def _follow(self) -> float:
        """List if needed, watch to the end of the stream; the seconds to pause then."""
        try:
            if self._version is None:
                await self._list()
            await self._watch()
        except GoneError:
            self._restarting("expired")
            self._version = None
        except NotFoundError:
            self._set_absent()
            return self._poll_seconds
        except ApiError as error:
            self._restarting("error")
            self._failures += 1
            log.warning("watch of %s broke (%d in a row): %s", self.source, self._failures, error)
            return float(min(FIRST_PAUSE_SECONDS * 2 ** (self._failures - 1), MAX_PAUSE_SECONDS))
        return PAUSE_SECONDS

    async def _list(self) -> None:
        self._version = await load(self.source, self._client, self._cache, self._feed)
        self._alive()
        if not self.present:
            log.info("following %s", self.source)
        self._settle(present=True)

    async def _watch(self) -> None:
        source = self.source
        assert self._version is not None
        events = self._client.watch(
            source.resource, source.namespace, since=self._version, selector=source.selector, shape=source.shape
        )
        async for event in events:
            self._alive()
            if event.type == "DELETED":
                self._feed.deleted(source.resource, event.object)
            elif event.type != "BOOKMARK":
                self._feed.changed(source.resource, source.reduce(event.object))
            self._version = event.object["metadata"]["resourceVersion"]

    def _set_absent(self) -> None:
        if self.present or not self.settled.is_set():
            log.info("%s: not served by this cluster, asked for again every %g s", self.source, self._poll_seconds)
        self._version = None
        version = self._cache.newest_version(self.source.resource)
        forget_missing(self.source, {}, version, self._cache, self._feed)
        self._settle(present=False)

    def _settle(self, *, present: bool) -> None:
        self.present = present
        self.settled.set()
        if self._cache.set_synced(self.source.resource, self.source, synced=present):
            self._feed.reconsider(self.source.resource)

    def _alive(self) -> None:
        self._failures = 0
        self._heard = self._clock.monotonic()

    def _restarting(self, cause: str) -> None:
        metrics.WATCH_RESTARTS.labels(self.source.resource.plural, cause).inc()
