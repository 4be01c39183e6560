"""The client asks on schedule however long answers take, and tells of each what came of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.releases import asking
from benchmarks.releases.asking import NO_ANSWER, NOT_ASKED, Asker, Line, Target

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Shipway-Version: v1\r\n\r\n{}"
SPOILT = b"HTTP/1.1 500 X\r\nContent-Length: 0\r\nX-Shipway-Version: v2\r\nX-Shipway-Harm: error\r\n\r\n"
Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(script: Script) -> AsyncIterator[tuple[Target, list[bytes]]]:
    """Answers every request by the script; also gives the requests it has read."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                seen.append(await reader.readuntil(b"{}"))
                await script(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield (
            Target.of(f"127.0.0.1:{port}", host="ranker.example.com", path="/v1/models/ranker:predict", bodies=["{}"]),
            seen,
        )
        listening.close()


async def asked(target: Target, *, rate: float, seconds: float) -> list[Line]:
    asker, stop = Asker(target), asyncio.Event()
    running = asyncio.create_task(asker.run(rate, stop))
    await asyncio.sleep(seconds)
    stop.set()
    await running
    for _, (_, writer) in asker._idle:
        writer.close()
        await writer.wait_closed()
    return asker.told


async def test_every_answer_is_told_with_its_version_and_harm() -> None:
    answers = [OK, SPOILT]

    async def in_turns(writer: asyncio.StreamWriter) -> None:
        writer.write(answers[0])
        answers.reverse()

    async with server(in_turns) as (target, seen):
        told = await asked(target, rate=100, seconds=0.2)
    assert {line[2:] for line in told} == {(200, "v1", ""), (500, "v2", "error")}
    assert len(told) == len(seen) >= 10
    assert seen[0].startswith(b"POST /v1/models/ranker:predict HTTP/1.1\r\nhost: ranker.example.com\r\n")


async def test_slow_answers_do_not_slow_the_asking() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(OK)

    async with server(slow) as (target, _):
        told = await asked(target, rate=100, seconds=0.2)
    assert len(told) >= 10
    assert all(line[2] == 200 for line in told)


async def test_what_breaks_off_is_no_answer() -> None:
    async def breaks_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        writer.close()

    async with server(breaks_off) as (target, _):
        told = await asked(target, rate=50, seconds=0.1)
    assert {line[2] for line in told} == {NO_ANSWER}


async def test_too_many_missing_answers_are_told_and_not_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "IN_FLIGHT", 3)

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(OK)

    async with server(slow) as (target, seen):
        told = await asked(target, rate=200, seconds=0.2)
    assert len(seen) == 3
    assert sum(line[2] == NOT_ASKED for line in told) == len(told) - 3


@pytest.mark.parametrize(("idle_seconds", "anew"), [(5.0, False), (0.0, True)], ids=["soon", "too late"])
async def test_a_connection_is_used_again_soon_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, idle_seconds: float, anew: bool
) -> None:
    monkeypatch.setattr(asking, "IDLE_SECONDS", idle_seconds)
    connections: list[asyncio.StreamWriter] = []

    async def answers(writer: asyncio.StreamWriter) -> None:
        if writer not in connections:
            connections.append(writer)
        writer.write(OK)

    async with server(answers) as (target, seen):
        told = await asked(target, rate=50, seconds=0.2)
    assert all(line[2] == 200 for line in told)
    assert (len(connections) == len(seen)) is anew
