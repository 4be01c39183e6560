"""Sees every prediction request from its arrival to the end of its answer, whatever the layers below do with it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from shipway_workloads.serving import slices
from shipway_workloads.serving.counters import Counters

VERSION_HEADER = b"x-shipway-version"
PREDICT_SUFFIX = ":predict"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Drain:
    """Whether the pod is on its way out; then each answer asks its client to come back on a new connection."""

    started: bool = False


class PredictionMiddleware:
    """ASGI middleware: counts predictions and says which version answered."""

    def __init__(self, app: App, *, counters: Counters, drain: Drain) -> None:
        self._app = app
        self._counters = counters
        self._drain = drain
        self._version = (VERSION_HEADER, counters.version.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; counts it when it is a prediction."""
        if scope["type"] != "http" or not scope["path"].endswith(PREDICT_SUFFIX):
            await self._app(scope, receive, send)
            return
        await self._observed(scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What ends without an answer of its own becomes a 500 further out.
        status = 500
        started = time.perf_counter()

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.get("headers", ())
                self._counters.metrics.observe(headers)
                message["headers"] = [*headers, *self._extra_headers()]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            seconds = time.perf_counter() - started
            self._counters.observe(status=status, seconds=seconds, slices=slices.declared(scope["headers"]))

    def _extra_headers(self) -> list[tuple[bytes, bytes]]:
        if self._drain.started:
            return [self._version, (b"connection", b"close")]
        return [self._version]
