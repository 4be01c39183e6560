"""Connections are carried whole, in both directions, each to its own end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shipway_lab import forward

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo_after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers only when the other side has finished, as `kubectl exec` of `cat` does."""
    writer.write(await reader.read(-1))
    await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def forwarded(handler: Handler | None) -> AsyncIterator[int]:
    """The port of a forwarder to a server with that handler, or to a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed_port = unused.getsockname()[1]
    server = await asyncio.start_server(handler, "127.0.0.1", 0) if handler else None
    target = server.sockets[0].getsockname()[1] if server else closed_port
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(forward.serve(listener, "127.0.0.1", target))
    try:
        yield listener.getsockname()[1]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if server:
            server.close()


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    answer = await reader.read(-1)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return answer


async def test_an_answer_still_comes_after_the_question_has_ended() -> None:
    async with forwarded(echo_after_the_end) as port:
        assert await ask(port, b"hello") == b"hello"


async def test_megabytes_arrive_in_order() -> None:
    data = bytes(range(256)) * 20_000
    async with forwarded(echo_after_the_end) as port:
        assert await ask(port, data) == data


async def test_many_connections_do_not_mix() -> None:
    async with forwarded(echo_after_the_end) as port:
        answers = await asyncio.gather(*(ask(port, f"client {number}".encode() * 100) for number in range(50)))
    assert answers == [f"client {number}".encode() * 100 for number in range(50)]


async def test_nobody_listening_is_a_reset_and_the_forwarder_goes_on() -> None:
    async with forwarded(None) as port:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await ask(port, b"hello")
