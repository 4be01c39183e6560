"""Open-loop replay: requests leave on a fixed schedule, however long answers take, as users do."""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import aiohttp

from shipway_workloads.replay.segments import Pair, read_segment

VERSION_HEADER = "x-shipway-version"
TIMEOUT_SECONDS = 10.0
RECENT_SECONDS = 5.0
NO_ANSWER = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One request and what came of it.

    Attributes:
        started: When it was sent, seconds since the epoch.
        ended: When the whole answer was read, or when it failed, seconds since the epoch.
        status: HTTP status; 0 when there was no answer.
        user: User asked for.
        item: Item asked for.
        version: Model version that answered, from the header x-shipway-version; empty when it was not there.
        error: Why there was no answer, or the body's error; empty for success.
    """

    started: float
    ended: float
    status: int
    user: int
    item: int
    version: str
    error: str

    @property
    def ok(self) -> bool:
        """Whether the answer was 2xx."""
        return 200 <= self.status < 300

    @property
    def latency(self) -> float:
        """Seconds it took."""
        return self.ended - self.started


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Sums since the start; quantiles in seconds over the last five.

    Attributes:
        requests: Answered or failed.
        in_flight: Sent and not yet answered.
        failed: Not answered with 2xx.
        versions: Requests by answering version.
        recent_failed: Failed in the last five seconds.
        recent_rate: Requests per second over the last five.
        p50: Median latency.
        p99: 99th percentile of latency.
    """

    requests: int
    in_flight: int
    failed: int
    versions: Mapping[str, int]
    recent_failed: int
    recent_rate: float
    p50: float
    p99: float


class Replay:
    """Replays a segment against a predictor, round and round, until stopped.

    An async context manager, or `start` and `stop`.

    Args:
        url: Base URL, for example http://127.0.0.1:8080.
        model: Name of the model in the path.
        rate: Requests per second.
        segment: What to replay first: `head`, `all` or a CSV file's path.
        host: Host header, when it differs from the URL's.
        record_to: JSONL file that gets one line a request.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        rate: float,
        segment: str,
        host: str | None = None,
        record_to: Path | None = None,
    ) -> None:
        if rate <= 0:
            raise ValueError(f"rate {rate} must be above 0 requests per second")
        self._url = f"{url.rstrip('/')}/v1/models/{model}:predict"
        self._headers = {"host": host} if host else {}
        self._rate = rate
        self._record_to = record_to
        self._file: IO[str] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._clock: asyncio.Task[None] | None = None
        self._in_flight: set[asyncio.Task[None]] = set()
        self._failed = 0
        self._versions: Counter[str] = Counter()
        self._answers: list[Answer] = []
        self.switch(segment)

    async def __aenter__(self) -> Replay:
        """Starts sending."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops sending and waits for what is on its way."""
        await self.stop()

    async def start(self) -> None:
        """Begins to send."""
        self._file = self._record_to.open("w") if self._record_to else None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            headers=self._headers,
        )
        self._clock = asyncio.create_task(self._send_on_schedule(self._session))

    def switch(self, segment: str) -> int:
        """Replays another segment from now on.

        Returns:
            How many interactions it has.

        Raises:
            ValueError: There is no such segment.
        """
        self._pairs = read_segment(segment)
        self._next = 0
        return len(self._pairs)

    def answers_since(self, moment: float) -> list[Answer]:
        """The answers that ended at `moment` (seconds since the epoch) or later, in the order they ended."""
        return self._answers[bisect_left(self._answers, moment, key=_ended) :]

    async def stop(self) -> Stats:
        """Sends nothing more and waits for the answers that are due, at most ten seconds."""
        if self._clock and self._session:
            self._clock.cancel()
            await asyncio.gather(self._clock, *self._in_flight, return_exceptions=True)
            await self._session.close()
        if self._file:
            self._file.close()
            self._file = None
        return self.stats()

    def stats(self) -> Stats:
        """Where the replay stands."""
        recent = self.answers_since(time.time() - RECENT_SECONDS)
        latencies = sorted(answer.latency for answer in recent)
        return Stats(
            requests=len(self._answers),
            in_flight=len(self._in_flight),
            failed=self._failed,
            versions=dict(self._versions),
            recent_failed=sum(not answer.ok for answer in recent),
            recent_rate=len(recent) / RECENT_SECONDS,
            p50=_quantile(latencies, 0.5),
            p99=_quantile(latencies, 0.99),
        )

    async def _send_on_schedule(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        sent = 0
        while True:
            await asyncio.sleep(next_delay(sent=sent, rate=self._rate, elapsed=loop.time() - began))
            task = asyncio.create_task(self._ask(session, self._take()))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
            sent += 1

    def _take(self) -> Pair:
        pair = self._pairs[self._next % len(self._pairs)]
        self._next += 1
        return pair

    async def _ask(self, session: aiohttp.ClientSession, pair: Pair) -> None:
        started, began = time.time(), time.perf_counter()
        status, version, error = NO_ANSWER, "", ""
        try:
            async with session.post(self._url, json={"instances": [pair._asdict()]}) as response:
                status, version = response.status, response.headers.get(VERSION_HEADER, "")
                body = await response.read()
            error = "" if 200 <= status < 300 else body[:200].decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as failure:
            status, error = NO_ANSWER, f"{type(failure).__name__}: {failure}"
        self._keep(
            Answer(
                started=started,
                ended=started + time.perf_counter() - began,
                status=status,
                user=pair.user,
                item=pair.item,
                version=version,
                error=error,
            )
        )

    def _keep(self, answer: Answer) -> None:
        self._answers.append(answer)
        self._failed += not answer.ok
        self._versions[answer.version] += 1
        if self._file:
            self._file.write(json.dumps(asdict(answer)) + "\n")


def next_delay(*, sent: int, rate: float, elapsed: float) -> float:
    """Seconds until the next request is due, reckoned from the beginning so that lateness does not lower the rate."""
    return max(0.0, sent / rate - elapsed)


def _ended(answer: Answer) -> float:
    return answer.ended


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
