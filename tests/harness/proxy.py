"""A proxy before the API server that fails on demand: watches cut off, requests refused, connections reset."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from aiohttp import web

from harness.lab import Lab
from harness.process import free_port

HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"})


@dataclass
class Rule:
    """Answer matching requests with an error, a number of times."""

    matches: Callable[[web.BaseRequest], bool]
    status: int
    times: int
    headers: dict[str, str]


def _nothing(_: web.BaseRequest) -> bool:
    return False


P = TypeVar("P", bound="FaultyProxy")


class FaultyProxy:
    """Forwards plain HTTP to the lab's API server, with the caller's own token."""

    def __init__(self, lab: Lab, session: aiohttp.ClientSession) -> None:
        self._lab = lab
        self._session = session
        self._ssl = lab.operator.ssl_context()
        self._rules: list[Rule] = []
        self._streams: set[asyncio.Task[web.StreamResponse]] = set()
        self._gap = asyncio.Event()
        self._gap.set()
        self._holds: Callable[[web.BaseRequest], bool] = _nothing
        self._released = asyncio.Event()
        self.url = ""
        self.refused = 0
        self.held: list[str] = []
        """Requests that wait or waited for `release`."""

    def refuse(
        self, matches: Callable[[web.BaseRequest], bool], status: int, *, times: int = 1, **headers: str
    ) -> None:
        """Answer the next matching requests with a status."""
        self._rules.append(Rule(matches, status, times, headers))

    def hold(self, matches: Callable[[web.BaseRequest], bool]) -> None:
        """Keep matching requests on their way until `release`, as a slow network would."""
        self._holds = matches
        self._released.clear()

    def release(self) -> None:
        """Let what is held arrive."""
        self._holds = _nothing
        self._released.set()

    def cut_watches(self) -> None:
        """Cut all watches, and let none begin until `heal`."""
        self._gap.clear()
        for stream in list(self._streams):
            stream.cancel()

    def heal(self, *, expired: bool) -> None:
        """Let watches begin again; `expired` answers each resource's next one with 410, as after compaction."""
        if expired:
            seen: set[str] = set()

            def first_of_each(request: web.BaseRequest) -> bool:
                if "watch" not in request.query or request.path in seen:
                    return False
                seen.add(request.path)
                return True

            self.refuse(first_of_each, 410, times=1000)
        self._gap.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Forward one request."""
        for rule in self._rules:
            if rule.times and rule.matches(request):
                rule.times -= 1
                self.refused += 1
                body = {"kind": "Status", "code": rule.status, "reason": "Injected", "message": "by the proxy"}
                return web.json_response(body, status=rule.status, headers=rule.headers)
        if self._holds(request):
            await request.read()
            self.held.append(f"{request.method} {request.path}")
            await self._released.wait()
        if "watch" not in request.query:
            return await self._forward(request)
        if not self._gap.is_set():
            return web.Response(status=503)
        stream = asyncio.ensure_future(self._forward(request))
        self._streams.add(stream)
        try:
            return await asyncio.shield(stream)
        except asyncio.CancelledError:
            if request.transport is not None:
                request.transport.abort()
            raise
        finally:
            stream.cancel()
            self._streams.discard(stream)

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        url = self._lab.operator.server + request.raw_path
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read() or None, ssl=self._ssl
        ) as answer:
            passed = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            response = web.StreamResponse(status=answer.status, headers=passed)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


@asynccontextmanager
async def faulty_proxy(lab: Lab) -> AsyncIterator[FaultyProxy]:
    """A proxy at `proxy.url` while inside."""
    async with proxying(lambda session: FaultyProxy(lab, session)) as proxy:
        yield proxy


@asynccontextmanager
async def proxying(make: Callable[[aiohttp.ClientSession], P]) -> AsyncIterator[P]:
    """A proxy of any kind at its `url` while inside.

    Args:
        make: Makes it from the session it reaches the API server with.
    """
    timeout, connector = aiohttp.ClientTimeout(total=None), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=True) as session:
        proxy = make(session)
        runner = web.ServerRunner(web.Server(proxy.handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        proxy.url = f"http://127.0.0.1:{port}"
        try:
            yield proxy
        finally:
            await runner.cleanup()
