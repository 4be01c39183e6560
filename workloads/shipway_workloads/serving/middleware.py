"""Sees every prediction request from its arrival to the end of its answer, whatever the layers below do with it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipway_workloads.serving import recent, slices
from shipway_workloads.serving.counters import Counters

VERSION_HEADER = b"x-shipway-version"
PREDICT_SUFFIXES = (":predict", "/infer")
"""Ends of a prediction's path, in KServe's first protocol and in the second."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Drain:
    """Whether the pod is on its way out; then each answer asks its client to come back on a new connection."""

    started: bool = False


@dataclass
class _Answer:
    """What is seen of an answer on its way out.

    Attributes:
        status: What ends without an answer of its own becomes a 500 further out.
        headers: As the model's server has set them.
        body: The whole of it where it comes in one piece; nothing where it is streamed.
    """

    status: int = 500
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = b""
    _begun: bool = False

    def see(self, message: Message) -> None:
        """Takes note of one message."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], tuple(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            whole = not self._begun and not message.get("more_body", False)
            self.body, self._begun = (message.get("body", b"") if whole else b""), True


class PredictionMiddleware:
    """ASGI middleware: counts predictions and says which version answered."""

    def __init__(self, app: App, *, counters: Counters, drain: Drain) -> None:
        self._app = app
        self._counters = counters
        self._drain = drain
        self._version = (VERSION_HEADER, counters.version.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; counts it when it is a prediction."""
        if scope["type"] != "http" or not scope["path"].endswith(PREDICT_SUFFIXES):
            await self._app(scope, receive, send)
            return
        await self._observed(scope, receive, send)

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer, predictions = _Answer(), list[float]()
        recent.predicted.set(predictions)
        started = time.perf_counter()

        async def send_and_see(message: Message) -> None:
            answer.see(message)
            if message["type"] == "http.response.start":
                message["headers"] = [*answer.headers, *self._extra_headers()]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            seconds = time.perf_counter() - started
            self._counters.observe(status=answer.status, seconds=seconds, slices=slices.declared(scope["headers"]))
            self._counters.metrics.observe(answer.headers, answer.body)
            if id_ := recent.id_of(scope["headers"]):
                self._counters.recent.observe(id_, None if answer.status >= 500 else tuple(predictions))

    def _extra_headers(self) -> list[tuple[bytes, bytes]]:
        if self._drain.started:
            return [self._version, (b"connection", b"close")]
        return [self._version]
