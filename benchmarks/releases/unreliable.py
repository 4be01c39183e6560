"""The built-in predictor, unreliable on purpose: a file in its artifact says how, so its digest covers the fault too.

This one module runs in the predictor's pod, with nothing beside it but what the image holds.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

FILE = "fault.json"
FOLDER = Path("/mnt/models")
HEADER = "x-shipway-harm"
"""Of an answer that was spoilt: how. What fails without it was spoilt by somebody else."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Harm(StrEnum):
    """What is done to an answer."""

    BACKGROUND = "background"
    ERROR = "error"
    SLOW = "slow"
    SHIFTED = "shifted"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How a version answers.

    Attributes:
        background: Share of answers with status 500 that it always has, as the best of versions do.
        errors: Further share of them once it is bad.
        slow: Share of answers that come late once it is bad.
        slow_seconds: How late.
        shift: By how many standard deviations its scores are too high, from its first answer on: the artifact does it.
        after_seconds: How long after its first answer it turns bad.
    """

    background: float = 0.01
    errors: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 0.25
    shift: float = 0.0
    after_seconds: float = 0.0

    def harm(self, *, lot: float, age: float) -> Harm | None:
        """What is done to an answer.

        Args:
            lot: Uniform on [0, 1).
            age: Seconds since the first answer.
        """
        if lot < self.background:
            return Harm.BACKGROUND
        if age < self.after_seconds:
            return None
        if lot < self.background + self.errors:
            return Harm.ERROR
        if lot < self.background + self.errors + self.slow:
            return Harm.SLOW
        return Harm.SHIFTED if self.shift else None


class Unreliable:
    """ASGI middleware below the one that counts, so that the predictor counts what was spoilt as its own."""

    def __init__(
        self,
        app: App,
        *,
        fault: Fault,
        draw: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._fault = fault
        self._draw = draw
        self._monotonic = monotonic
        self._began: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Spoils some predictions and passes everything else on."""
        if scope["type"] != "http" or not scope["path"].endswith(":predict"):
            await self._app(scope, receive, send)
            return
        now = self._monotonic()
        self._began = now if self._began is None else self._began
        harm = self._fault.harm(lot=self._draw(), age=now - self._began)
        if harm in {Harm.BACKGROUND, Harm.ERROR}:
            await _fail(harm, receive, send)
            return
        if harm is Harm.SLOW:
            await asyncio.sleep(self._fault.slow_seconds)
        await self._app(scope, receive, _marking(send, harm) if harm else send)


async def _fail(harm: Harm, receive: Receive, send: Send) -> None:
    await receive()
    body = b'{"error": "spoilt on purpose"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), _mark(harm)]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _marking(send: Send, harm: Harm) -> Send:
    async def marked(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), _mark(harm)]
        await send(message)

    return marked


def _mark(harm: Harm) -> tuple[bytes, bytes]:
    return HEADER.encode(), harm.encode()


def main() -> int:
    """Serves as the built-in predictor does."""
    from kserve.model_server import app  # type: ignore[import-untyped]  # noqa: PLC0415  (half a second)

    from shipway_workloads.serving.__main__ import main as serve  # noqa: PLC0415

    fault = Fault(**json.loads((FOLDER / FILE).read_text())["fault"])
    app.add_middleware(Unreliable, fault=fault)
    return serve()


if __name__ == "__main__":
    sys.exit(main())
