"""Traffic from inside the lab's network while a release is on."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.releases.answers import Answer
from benchmarks.releases.population import bodies
from shipway_lab.addresses import ENVOY_PORT, NODE_IP

ASKING = Path(__file__).with_name("asking.py")
MODEL = "ranker"
LINE_BYTES = 2**24
ENDS_WITHIN_SECONDS = 15


@dataclass
class Traffic:
    """What the client got so far."""

    answers: list[Answer] = field(default_factory=list)

    async def until(self, seen: Callable[[Answer], bool], *, within: float, what: str) -> Answer:
        """The first answer of that kind.

        Raises:
            TimeoutError: there was none.
        """
        read = 0
        async with _patience(within, what):
            while True:
                for answer in self.answers[read:]:
                    if seen(answer):
                        return answer
                read = len(self.answers)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def traffic(lab: str, *, host: str, rate: float) -> AsyncIterator[Traffic]:
    """Ask all the time; when it is left, every answer has come or was given up.

    Args:
        lab: Name of the lab.
        host: Of the route.
        rate: Requests a second.
    """
    within = (sys.executable, "-m", "shipway_lab", "shell", "--name", lab, "--")
    where = ("--address", f"{NODE_IP}:{ENVOY_PORT}", "--host", host, "--path", f"/v1/models/{MODEL}:predict")
    what = ("--bodies", json.dumps(bodies()))
    command = (*within, sys.executable, str(ASKING), *where, *what, "--rate", str(rate))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE_BYTES)
    assert process.stdin
    assert process.stdout
    got = Traffic()
    reading = asyncio.create_task(_read(process.stdout, got))
    try:
        yield got
    finally:
        process.stdin.close()
        async with _patience(ENDS_WITHIN_SECONDS, "the end of the traffic"):
            await reading
            await process.wait()


async def _read(lines: asyncio.StreamReader, into: Traffic) -> None:
    async for line in lines:
        into.answers += [Answer(*each) for each in json.loads(line)]


@asynccontextmanager
async def _patience(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TimeoutError(f"not within {seconds:.0f} s: {what}") from None
