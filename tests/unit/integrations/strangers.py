"""Somebody on a real port who answers as he is told to, right or wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from shipway.integrations.answer import MAX_BODY_BYTES

TOO_LONG = b" " * (MAX_BODY_BYTES + 1)


@dataclass
class Stranger:
    """A server.

    Attributes:
        answer: What it says: JSON, or a whole response; an Exception never comes.
        port: Where it is, on 127.0.0.1.
        heard: Method, path and body or query of every request.
        headers: The headers of the last one.
    """

    answer: Any = None
    port: int = 0
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        said = await request.text() if request.method == "POST" else request.query.get("query", "")
        self.heard.append((request.method, request.path, said))
        self.headers = dict(request.headers)
        if isinstance(self.answer, TimeoutError):
            await asyncio.sleep(60)
        if isinstance(self.answer, bytes):
            return web.Response(body=self.answer, content_type="application/json")
        if isinstance(self.answer, tuple):
            status, body = self.answer
            return web.json_response(body, status=status, headers={"Location": "/elsewhere"})
        return web.json_response(self.answer)


@asynccontextmanager
async def stranger() -> AsyncIterator[Stranger]:
    """One that listens."""
    made, app = Stranger(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
