"""Asks a model at a constant rate, however long it takes to answer: open loop, as users do.

Runs inside the lab's network, where no forwarder stands between it and the gateway. Ten times a second it prints the
answers of meanwhile, a JSON list of `[sent, ended, status, version, harm]`; times are Unix seconds, and the status is 0
where there was no answer and -1 where nothing was asked because too many answers were still missing. It ends when its
input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

IN_FLIGHT = 256
NO_ANSWER, NOT_ASKED = 0, -1
PATIENCE_SECONDS = 10.0
TELL_SECONDS = 0.1
IDLE_SECONDS = 5.0
"""A connection that was not used for so long is used no more: the gateway closes idle ones, and may do so just when
something is asked on one. Clients give up connections sooner than servers do."""
END = b"\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Line = tuple[float, float, int, str, str]


@dataclass(frozen=True)
class Target:
    """Where to ask, and what."""

    address: str
    port: int
    requests: tuple[bytes, ...]

    @classmethod
    def of(cls, address: str, *, host: str, path: str, bodies: Sequence[str]) -> Target:
        """From `ADDRESS:PORT` and the parts of the requests."""
        name, _, port = address.partition(":")
        head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: "
        requests = tuple(f"{head}{len(body)}".encode() + END + body.encode() for body in bodies)
        return cls(name, int(port), requests)


@dataclass
class Asker:
    """Keeps connections open and asks on each one thing at a time."""

    target: Target
    told: list[Line] = field(default_factory=list)
    _idle: list[tuple[float, Connection]] = field(default_factory=list)
    _asking: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, rate: float, stop: asyncio.Event) -> None:
        """Ask so often a second until told to stop, then wait for the answers."""
        due = time.monotonic()
        while not stop.is_set():
            self._send()
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*self._asking)

    def _send(self) -> None:
        if len(self._asking) >= IN_FLIGHT:
            now = time.time()
            self.told.append((now, now, NOT_ASKED, "", ""))
            return
        task = asyncio.create_task(self._ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self) -> None:
        sent = time.time()
        status, version, harm = NO_ANSWER, "", ""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                connection = self._kept() or await asyncio.open_connection(self.target.address, self.target.port)
                status, version, harm = await self._answer(connection)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            print(f"no answer: {error!r}", file=sys.stderr, flush=True)
        self.told.append((sent, time.time(), status, version, harm))

    def _kept(self) -> Connection | None:
        while self._idle:
            since, (reader, writer) = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    async def _answer(self, connection: Connection) -> tuple[int, str, str]:
        reader, writer = connection
        try:
            writer.write(random.choice(self.target.requests))  # noqa: S311 - not a password
            first, *lines = (await reader.readuntil(END)).decode("latin-1").lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines if line)
            await reader.readexactly(int(headers["content-length"]))
        except KeyError as error:
            writer.close()
            raise ValueError(f"an answer without {error}") from error
        except BaseException:
            writer.close()
            raise
        if headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((time.monotonic(), connection))
        return int(first.split(" ")[1]), headers.get("x-shipway-version", ""), headers.get("x-shipway-harm", "")


async def tell(asker: Asker) -> None:
    """Print what was answered since the last time, again and again."""
    while True:
        await asyncio.sleep(TELL_SECONDS)
        lines, asker.told = asker.told, []
        print(json.dumps(lines), flush=True)


async def until_input_ends(asker: Asker, rate: float) -> None:
    """Ask until whoever started this is gone or wants it to end."""
    stop = asyncio.Event()
    telling = asyncio.create_task(tell(asker))
    asking = asyncio.create_task(asker.run(rate, stop))
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await asking
    telling.cancel()
    print(json.dumps(asker.told), flush=True)


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="ADDRESS:PORT of the gateway")
    parser.add_argument("--host", required=True, help="host of the route")
    parser.add_argument("--path", required=True)
    parser.add_argument("--bodies", required=True, help="JSON list of texts, of which each request has one by chance")
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    given = parser.parse_args()
    target = Target.of(given.address, host=given.host, path=given.path, bodies=json.loads(given.bodies))
    asyncio.run(until_input_ends(Asker(target), given.rate))
    return 0


if __name__ == "__main__":
    sys.exit(main())
