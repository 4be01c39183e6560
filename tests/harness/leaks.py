"""Looks, all the time that tests run, whether a secret is said in an Event, a status or a log line of an operator."""

import asyncio
import base64
import contextlib
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import msgspec

from shipway.kube.client import Client
from shipway.kube.credentials import Connection, FixedToken
from shipway.kube.errors import ApiError
from shipway.kube.resource import EVENT, OWN, Object, Resource

SECRET = Resource("", "v1", "secrets", "Secret")
LEAST_LENGTH = 8
"""Shorter values are found in any text."""
PUBLIC = re.compile(r"(URL|REGION|ENDPOINT)$")
"""Keys of storage Secrets whose values error messages may name."""
TOKEN = re.compile(r"eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}")
LAST_WORDS_SECONDS = 0.5
CLOSE_SECONDS = 0.25
"""Connections are closed by the loop's next turns, and have to be before the loop is."""

operator_logs: set[Path] = set()
"""Files that operator processes of this session have logged to."""


class LeakSearch:
    """Knows the secrets there are, and remembers where one of them was said."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._recent: deque[tuple[str, str]] = deque(maxlen=256)
        """Each kind has a watch of its own: what says a secret may come before the Secret does."""
        self.found: set[str] = set()
        """What was said where, in words that do not say it again."""

    def hide(self, value: str, name: str) -> None:
        """Nobody may say this value."""
        if len(value) < LEAST_LENGTH:
            return
        self._secrets[value] = name
        for text, where in list(self._recent):
            self.read(text, where)

    def see(self, obj: Object) -> None:
        """Look at an object: a Secret has what is to be hidden; of others their status, and all of an Event."""
        meta = obj["metadata"]
        name = f"{obj['kind']} {meta.get('namespace')}/{meta['name']}"
        if obj["kind"] == SECRET.kind:
            for key, value in (obj.get("data") or {}).items():
                if not PUBLIC.search(key):
                    self.hide(base64.b64decode(value).decode(errors="replace"), f"{key} of {name}")
            return
        said = obj if obj["kind"] == EVENT.kind else obj.get("status")
        text = msgspec.json.encode(said).decode()
        self._recent.append((text, name))
        self.read(text, name)

    def read(self, text: str, where: str) -> None:
        """Look through a text."""
        self.found |= {f"{name} is said in {where}" for value, name in list(self._secrets.items()) if value in text}
        if TOKEN.search(text):
            self.found.add(f"a token is said in {where}")


class _Lines(logging.Handler):
    """The log lines of operators in this process."""

    def __init__(self, search: LeakSearch) -> None:
        super().__init__()
        self._search = search

    def emit(self, record: logging.LogRecord) -> None:
        self._search.read(self.format(record), f"a log line of {record.name}")


@contextmanager
def no_leaks(admin: Connection, *, hidden: Connection) -> Iterator[None]:
    """Watch a cluster while inside.

    Args:
        admin: To watch with.
        hidden: The operators' identity, whose token is a secret as well.

    Raises:
        AssertionError: at the end, if a secret was said; names it and where, but not its value.
    """
    search = LeakSearch()
    assert isinstance(hidden.token, FixedToken)
    search.hide(hidden.token.value or "", "the operators' token")
    lines = _Lines(search)
    logging.getLogger().addHandler(lines)
    try:
        with _in_the_background(lambda stop: _watch(admin, search.see, stop)):
            yield
    finally:
        logging.getLogger().removeHandler(lines)
    for log in operator_logs:
        search.read(log.read_text(errors="replace") if log.exists() else "", str(log))
    assert not search.found, "\n".join(sorted(search.found))


@contextmanager
def _in_the_background(work: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> Iterator[None]:
    """Run a coroutine function in a thread with a loop of its own; tests come and go with theirs."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        stop = asyncio.Event()
        begun.set_result((asyncio.get_running_loop(), stop))
        await work(stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="leaks", daemon=True)
    thread.start()
    loop, stop = begun.result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _watch(admin: Connection, look: Callable[[Object], None], stop: asyncio.Event) -> None:
    async with Client.connect(admin) as client:
        tasks = [asyncio.create_task(_follow(client, resource, look)) for resource in (SECRET, EVENT, *OWN.values())]
        await stop.wait()
        await asyncio.sleep(LAST_WORDS_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(CLOSE_SECONDS)


async def _follow(client: Client, resource: Resource, look: Callable[[Object], None]) -> None:
    while True:
        with contextlib.suppress(ApiError):  # a watch that broke or expired begins anew
            listing = await client.list(resource)
            for obj in listing.items:
                look(obj)
            async with contextlib.aclosing(client.watch(resource, since=listing.resource_version)) as events:
                async for event in events:
                    if event.type != "BOOKMARK":
                        look(event.object)
        await asyncio.sleep(0.2)
