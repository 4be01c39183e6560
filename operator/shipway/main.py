"""Wiring: every part of the operator is made here, and handed what it needs."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from shipway.controllers.tags import TAGS
from shipway.kube import credentials
from shipway.kube.access import AccessReviewer
from shipway.kube.client import Client
from shipway.kube.credentials import Connection, CredentialsError
from shipway.kube.errors import ApiError, NotFoundError
from shipway.kube.resource import Object, Resource
from shipway.parts import Build, build
from shipway.runtime import logs, metrics
from shipway.runtime.bearer import doorkeeper
from shipway.runtime.cache import ObjectCache
from shipway.runtime.clock import Clock, SystemClock
from shipway.runtime.events import EventRecorder
from shipway.runtime.executor import Executor
from shipway.runtime.feed import Feed
from shipway.runtime.health import Check, api_app, metrics_app, queue_check, serving
from shipway.runtime.informer import Informer
from shipway.runtime.leader import AlwaysLeading, Leadership, LeaseLeadership
from shipway.runtime.loop import ControlLoop
from shipway.runtime.queue import WorkQueue
from shipway.runtime.source import Source, load
from shipway.runtime.sweep import Sweeper
from shipway.settings import Settings, SettingsError, from_environment
from shipway.sources import child_sources, own_resources, own_sources
from shipway.watch import WatchEndedError, watch

SHUTDOWN_SECONDS = 4.0
CRD_POLL_SECONDS = 2.0
LOADING_SECONDS = 60.0
"""After so long it is something else than the first lists that is waited for."""
STEADY_SECONDS = 60.0
"""How long kopf has to watch before its next end counts as the first."""
FIRST_PAUSE_SECONDS = 0.5
"""Pause before kopf is started anew; doubled from end to end."""
MAX_PAUSE_SECONDS = 30.0

GC_ALLOCATIONS = 20_000
"""Objects that may be made, less those that ended, before the youngest are searched for cycles."""

log = logging.getLogger("shipway.main")


AfterWrite = Callable[[str, Resource], None]


class Operator:
    """The control plane as one object.

    Args:
        settings: From the environment.
        client: To the cluster.
        build: Makes the controllers.
        clock: Wall and monotonic time.
        after_write: Called after each write; for tests that end the operator there.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        *,
        build: Build = build,
        clock: Clock | None = None,
        after_write: AfterWrite | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock or SystemClock()
        self._identity = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        self.ready = asyncio.Event()
        """Set once everything is loaded and the work begins."""
        self.cache = ObjectCache(monotonic=self._clock.monotonic, tags=TAGS)
        self.queue = WorkQueue(self._clock)
        self._registry = CollectorRegistry()
        self._parts = build(settings, client, self.queue, self._registry, self._clock)
        self._feed = Feed(self.cache, self.queue, self._parts.controllers)
        self._lease = self._make_lease()
        self._leadership: Leadership = self._lease or AlwaysLeading()
        self._own = own_sources(settings.namespaces)
        self._informers = [
            Informer(source, client=client, cache=self.cache, feed=self._feed, clock=self._clock)
            for source in child_sources(self._parts.controllers, settings.namespaces)
        ]
        self._sweeper = self._make_sweeper()
        self._loop = self._make_loop(after_write)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until told to stop.

        Raises:
            Exception: a part ended by itself; the process must start anew.
        """
        async with (
            serving(self._api(), self._settings.http_port),
            serving(self._metrics(), self._settings.metrics_port, everywhere=self._settings.metrics_everywhere),
        ):
            tasks = [informer.run() for informer in self._informers]
            if self._lease is not None:
                tasks.append(self._lease.run())
            try:
                await _until(stop, [*tasks, self._work()])
            finally:
                if self._parts.close is not None:
                    await self._parts.close()

    async def _work(self) -> None:
        """Load everything first: nothing may be decided on a part of the world."""
        await self._prime_own()
        for informer in self._informers:
            await informer.settled.wait()
        self.ready.set()
        log.info("ready: %d keys to look at", self.queue.depth)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_own())
            group.create_task(self._sweeper.run())
            group.create_task(self._loop.run(self._settings.workers))

    async def _watch_own(self) -> None:
        """Watch our own kinds for ever: ending with kopf would cost the lease, and everything that is loaded."""
        failures, namespaces = 0, self._settings.namespaces
        while True:
            began = self._clock.monotonic()
            try:
                await watch(self._client.connection, own_resources(namespaces), namespaces, self._take_in)
            except WatchEndedError as error:
                failures = 1 if self._clock.monotonic() - began > STEADY_SECONDS else failures + 1
                pause = min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), MAX_PAUSE_SECONDS)
                log.warning("%s; started anew in %g s", str(error), pause)  # the error would hold on to all of kopf
                metrics.WATCH_RESTARTS.labels("kopf", "ended").inc()
                await self._clock.sleep(pause)
            await self._prime_own()

    async def _prime_own(self) -> None:
        for source in self._own:
            await self._prime(source)

    async def _prime(self, source: Source) -> None:
        while True:
            try:
                await load(source, self._client, self.cache, self._feed)
            except NotFoundError:
                log.warning("%s: its CRD is not installed; asked for again every %g s", source, CRD_POLL_SECONDS)
            except ApiError as error:
                log.warning("%s cannot be listed: %s", source, error)
            else:
                self.cache.set_synced(source.resource, source, synced=True)
                return
            await self._clock.sleep(CRD_POLL_SECONDS)

    def _take_in(self, resource: Resource, type_: str | None, obj: Object) -> None:
        """What kopf brings; an event without a type is part of a list, and a list begins after every gap."""
        if type_ == "DELETED":
            self._feed.deleted(resource, obj)
        else:
            self._feed.changed(resource, Source(resource).reduce(obj))
        if type_ is None:
            self._sweeper.soon(resource)

    def _unready(self) -> str | None:
        return None if self.ready.is_set() else "the first lists are not in yet"

    def _api(self) -> web.Application:
        live: list[Check] = [
            queue_check(self.queue, self._leadership),
            self._sweeper.problem,
            *(informer.problem for informer in self._informers),
        ]
        return api_app(live=live, ready=[self._unready], routes=self._parts.routes, leadership=self._leadership)

    def _metrics(self) -> web.Application:
        readers = doorkeeper(AccessReviewer(self._client, path="/metrics").review)
        return metrics_app(
            queue=self.queue,
            cache=self.cache,
            leadership=self._leadership,
            further=self._registry,
            guards=[readers] if self._settings.metrics_authentication else [],
        )

    def _make_lease(self) -> LeaseLeadership | None:
        settings = self._settings
        if not settings.lease:
            return None
        return LeaseLeadership(
            self._client,
            namespace=settings.operator_namespace,
            name=settings.lease,
            identity=self._identity,
            seconds=settings.lease_seconds,
            clock=self._clock,
        )

    def _make_sweeper(self) -> Sweeper:
        return Sweeper(
            [*self._own, *(informer.source for informer in self._informers)],
            own=[controller.resource for controller in self._parts.controllers],
            client=self._client,
            cache=self.cache,
            feed=self._feed,
            queue=self.queue,
            clock=self._clock,
            period=self._settings.sweep_seconds,
        )

    def _make_loop(self, after_write: AfterWrite | None) -> ControlLoop:
        client = self._client.guarded(self._leadership.check)
        executor = Executor(
            client,
            cache=self.cache,
            feed=self._feed,
            recorder=EventRecorder(client, instance=self._identity),
            clock=self._clock,
            after_write=after_write,
        )
        return ControlLoop(
            controllers=self._parts.controllers,
            cache=self.cache,
            queue=self.queue,
            executor=executor,
            leadership=self._leadership,
            clock=self._clock,
        )


async def _until(stop: asyncio.Event, coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run the coroutines until told to stop or one of them ends; then end them all."""
    tasks = [asyncio.create_task(stop.wait()), *map(asyncio.create_task, coroutines)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended, _ = await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        errors = [error for task in ended if not task.cancelled() and (error := task.exception())]
    for error in errors[:1]:
        raise error


async def _run(settings: Settings, connection: Connection) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Client.connect(connection, agent=f"shipway/{socket.gethostname()}-{os.getpid()}") as client:
        operator = Operator(settings, client)
        search = asyncio.create_task(_search_for_cycles(operator.ready))
        await operator.run(stop)
        search.cancel()


async def _search_for_cycles(ready: asyncio.Event) -> None:
    """Look for cycles only in what comes after the first lists: there are none in what they bring, and it stays."""
    gc.disable()
    with suppress(TimeoutError):
        await asyncio.wait_for(ready.wait(), LOADING_SECONDS)
    gc.freeze()
    gc.enable()


def main() -> int:
    """Run the operator; the exit code."""
    try:
        settings = from_environment()
        connection = credentials.load()
    except (SettingsError, CredentialsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.setup(plain=settings.plain_logs)
    # Hardly anything is a cycle: looking for those took 7 % of the time.
    gc.set_threshold(GC_ALLOCATIONS, 20, 20)
    try:
        uvloop.run(_run(settings, connection))
    except Exception:
        log.exception("a part of the operator ended; start it anew")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # kopf's thread may still be taking leave of its connections; nothing depends on it
