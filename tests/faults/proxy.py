"""Between the operator and the API server: everything that can go wrong with a request, drawn from a seed."""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from faults.diary import note
from harness.lab import Lab
from harness.proxy import HOP, FaultyProxy, proxying

BEFORE = ("conflict", "invalid", "throttled", "error", "unavailable", "unauthorized", "expired", "unreached")
"""The request never arrives."""
AFTER = ("unanswered", "half_answered", "stale")
"""The request is done, and the answer is lost, cut in two, or replaced by an older one."""
STREAM = ("cut_line", "duplicated", "lost_delete", "late_event", "gone")
"""What happens to one event of a watch."""
SLOW = "slow"
KINDS = (*BEFORE, *AFTER, *STREAM, SLOW)

_STATUS = {
    "conflict": (409, "Conflict"),
    "invalid": (422, "Invalid"),
    "throttled": (429, "TooManyRequests"),
    "error": (500, "InternalError"),
    "unavailable": (503, "ServiceUnavailable"),
    "unauthorized": (401, "Unauthorized"),
    "expired": (410, "Expired"),
}
_WRITES_ONLY = frozenset({"conflict", "invalid"})
_GONE = json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}})


class SeededProxy(FaultyProxy):
    """Does to each request what the dice say, until it is told to behave.

    Args:
        lab: The cluster behind it.
        session: To reach it with.
        rates: Probability of each of `KINDS`; what is left out does not happen.
        dice: Where chance comes from.
    """

    def __init__(
        self, lab: Lab, session: aiohttp.ClientSession, *, rates: Mapping[str, float], dice: random.Random
    ) -> None:
        super().__init__(lab, session)
        self._rates = rates
        self._dice = dice
        self._earlier: dict[str, deque[bytes]] = defaultdict(lambda: deque(maxlen=20))
        self.mean = True
        """Whether faults happen; set to False to let everything pass."""
        self.done: Counter[str] = Counter()
        """Faults done, by kind."""
        self.misled: list[float] = []
        """Monotonic seconds of each older answer to a read of pods."""
        self.invalid: set[str] = set()
        """Plurals of which a creation was refused as invalid: for these the operator may give up for good."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Forward one request, or not."""
        if self._happens(SLOW, request):
            await asyncio.sleep(self._dice.random() * 0.4)
        for kind in BEFORE:
            if kind in _WRITES_ONLY and request.method == "GET":
                continue
            if kind == "expired" and "watch" not in request.query and "continue" not in request.query:
                continue
            if self._happens(kind, request):
                return self._refusal(kind, request)
        return await super().handle(request)

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._stream(request)
        async with self._upstream(request) as answer:
            body = await answer.read()
            return await self._answer(request, answer, body)

    async def _answer(
        self, request: web.BaseRequest, answer: aiohttp.ClientResponse, body: bytes
    ) -> web.StreamResponse:
        passed = _passed(answer)
        if request.method == "GET" and answer.status == 200:
            known = self._earlier[request.raw_path + request.headers.get("Accept", "")]
            if known and self._happens("stale", request):
                body = self._dice.choice(known)
                if request.path.endswith("/pods"):
                    self.misled.append(time.monotonic())
            else:
                known.append(body)
        if self._happens("unanswered", request):
            return _broken_off(request)
        if self._happens("half_answered", request):
            response = web.StreamResponse(status=answer.status, headers={**passed, "Content-Length": str(len(body))})
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            return _broken_off(request)
        return web.Response(status=answer.status, headers=passed, body=body)

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        async with self._upstream(request) as answer:
            response = web.StreamResponse(status=answer.status, headers=_passed(answer))
            await response.prepare(request)
            async for line in _lines(answer):
                if b'"DELETED"' in line[:30] and self._happens("lost_delete", request):
                    continue
                if self._happens("late_event", request):
                    await asyncio.sleep(self._dice.random())
                if self._happens("cut_line", request):
                    await response.write(line[: len(line) // 2])
                    return _broken_off(request)
                if self._happens("gone", request):
                    await response.write(_GONE.encode() + b"\n")
                    break
                await response.write(line)
                if self._happens("duplicated", request):
                    await response.write(line)
            await response.write_eof()
            return response

    @asynccontextmanager
    async def _upstream(self, request: web.BaseRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        url = self._lab.operator.server + request.raw_path
        data = await request.read() or None
        async with self._session.request(request.method, url, headers=headers, data=data, ssl=self._ssl) as answer:
            yield answer

    def _happens(self, kind: str, request: web.BaseRequest) -> bool:
        if not self.mean or self._dice.random() >= self._rates.get(kind, 0.0):
            return False
        self.done[kind] += 1
        note(f"fault {kind}: {request.method} {request.path_qs}")
        return True

    def _refusal(self, kind: str, request: web.BaseRequest) -> web.StreamResponse:
        if kind == "unreached":
            return _broken_off(request)
        code, reason = _STATUS[kind]
        if kind == "invalid":
            self.invalid.add(request.path.split("/")[-1 if request.method == "POST" else -2])
        headers = {"Retry-After": "1"} if kind in ("throttled", "unavailable") else {}
        body = {"kind": "Status", "code": code, "reason": reason, "message": "injected by the proxy"}
        return web.json_response(body, status=code, headers=headers)


def _passed(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() not in HOP}


def _broken_off(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in answer.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"


@asynccontextmanager
async def seeded_proxy(lab: Lab, *, rates: Mapping[str, float], dice: random.Random) -> AsyncIterator[SeededProxy]:
    """A proxy at `proxy.url` while inside."""
    async with proxying(lambda session: SeededProxy(lab, session, rates=rates, dice=dice)) as proxy:
        yield proxy
