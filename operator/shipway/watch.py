"""kopf watches our own kinds and hands every event on. It decides nothing here, and writes nothing.

kopf runs in a thread with an event loop of its own, of the same type as ours: at its end it cancels every task of its
loop, and our workers must not be among them.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from shipway.kube.credentials import Connection
from shipway.kube.resource import Object, Resource

Sink = Callable[[Resource, str | None, Object], None]
"""Takes the resource, the event's type (None while listing: at the start and after a gap) and the object."""

PAGE = 250
"""Objects that kopf lists, and holds as dictionaries, at a time."""
TOKEN_SECONDS = 600
"""kopf logs in anew after this; the kubelet renews a token long before it expires."""

GRACE_SECONDS = 2.0
"""How long kopf may take to end."""
CLOSE_SECONDS = 0.1
"""TLS connections take a moment to say goodbye."""

IDLE_SECONDS = 0.05
"""How long kopf keeps the worker of an object, and with it the whole object, after the last event."""

logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)  # it warns of running in a thread


class WatchEndedError(Exception):
    """kopf gave up: everything must be listed and watched anew."""


async def watch(connection: Connection, resources: Sequence[Resource], namespaces: Sequence[str], sink: Sink) -> None:
    """Call the sink, in this loop, with every event of the resources until cancelled.

    Args:
        connection: Server and identity.
        resources: What to watch; the server must serve them already.
        namespaces: Where to watch; everywhere when empty.
        sink: Takes the events.

    Raises:
        WatchEndedError: a watch ended with an error that kopf does not recover from.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[BaseException | None] = loop.create_future()
    stop, deaf = threading.Event(), threading.Event()

    def deliver(resource: Resource, type_: str | None, obj: Object) -> None:
        if not deaf.is_set():
            loop.call_soon_threadsafe(sink, resource, type_, obj)

    def end(error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result(error)

    def tell(error: BaseException | None) -> None:
        if not deaf.is_set():
            loop.call_soon_threadsafe(end, error)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=type(loop)) as runner:
                runner.run(_operate(_registry(connection, resources, deliver), namespaces, stop, tell))
        except BaseException as failure:
            tell(failure)

    thread = threading.Thread(target=run, name="kopf", daemon=True)
    thread.start()
    try:
        error = await asyncio.shield(ended)
        raise WatchEndedError(f"kopf ended: {error!r}") from error
    finally:
        deaf.set()
        stop.set()
        await asyncio.to_thread(thread.join, GRACE_SECONDS)


def _registry(connection: Connection, resources: Sequence[Resource], deliver: Sink) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_login(connection))
    for resource in resources:
        handler = _handler(resource, deliver)
        kopf.on.event(resource.group, resource.version, resource.plural, registry=registry, id="take-in")(handler)
    return registry


async def _operate(
    registry: kopf.OperatorRegistry,
    namespaces: Sequence[str],
    stop: threading.Event,
    tell: Callable[[BaseException | None], None],
) -> None:
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=_settings(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        stop_flag=stop,
        memories=_NoMemories(),
    )
    try:
        # kopf's own end waits for what may never come, such as a login after its connections are closed.
        first, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        tell(next((task.exception() for task in first if not task.cancelled()), None))
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    finally:
        stop.set()  # a thread of the event loop waits for it, and the loop for that thread
    await asyncio.sleep(CLOSE_SECONDS)


def _handler(resource: Resource, deliver: Sink) -> Callable[..., Any]:
    async def take_in(event: Any, **_: Any) -> None:
        deliver(resource, event["type"], event["object"])

    return take_in


def _login(connection: Connection) -> Callable[..., Any]:
    async def login(**_: Any) -> kopf.ConnectionInfo:
        connection.token.expire()  # kopf asks again only when the last one was refused or is old
        token = await connection.token.get()
        return kopf.ConnectionInfo(
            server=connection.server,
            ca_data=connection.ca,
            insecure=connection.insecure,
            certificate_data=connection.certificate,
            private_key_data=connection.key,
            token=token,
            expiration=datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS) if token else None,
        )

    return login


class _NoDifferences(kopf.DiffBaseStorage):
    """Nobody asks kopf what has changed, for which it would copy and compare every object, at each of its events."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        raise AssertionError("kopf writes nothing here")


class _NoMemories(ResourceMemories):
    """Nothing of an object is remembered between two events: that took five kilobytes of each, and nobody asks."""

    async def recall(self, *args: Any, **options: Any) -> ResourceMemory:
        return await super().recall(*args, **{**options, "ephemeral": True})


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDifferences()
    settings.persistence.progress_storage = kopf.StatusProgressStorage()  # the cheapest: no progress is made
    settings.scanning.disabled = True  # no watch of CRDs and namespaces: less RBAC
    settings.peering.standalone = True  # the Lease decides who writes, not kopf
    settings.posting.enabled = False
    settings.networking.connect_timeout, settings.networking.request_timeout = 5, 30
    settings.networking.enforce_retry_after = True
    settings.watching.connect_timeout, settings.watching.server_timeout = 5, 300
    settings.watching.reconnect_backoff = 1.0
    settings.watching.chunk_size = PAGE
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.process.ultimate_exiting_timeout = None  # main ends the process
    return settings
