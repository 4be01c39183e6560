"""Connections are carried whole, in both directions, each to its own end."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from harness.waiting import eventually
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
    listener.setblocking(False)  # as one that an event loop has had
    thread = threading.Thread(target=forward.serve, args=(listener, "127.0.0.1", target))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join)
        listener.close()
        if server:
            server.close()


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    with contextlib.suppress(OSError):  # where nobody listens it may be over already; reading tells
        writer.write_eof()
    answer = await reader.read(-1)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return answer


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def ask_in_vain(port: int, data: bytes) -> None:
    with pytest.raises(ConnectionError):
        await ask(port, data)


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


@pytest.mark.parametrize("handler", [echo_after_the_end, None], ids=["answered", "refused"])
async def test_nothing_stays_open_after_many_connections(handler: Handler | None) -> None:
    async with forwarded(handler) as port:
        before = open_files()
        for _ in range(100):
            await (ask if handler else ask_in_vain)(port, b"hello")

        async def as_many_as_before() -> bool:
            return open_files() == before

        await eventually(as_many_as_before, within=5, what="as many open files as before")


def test_it_ends_at_once_when_told_to_though_a_connection_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as far, socket.create_server(("127.0.0.1", 0)) as listener:
        far.settimeout(5)
        target = f"{listener.fileno()}=127.0.0.1:{far.getsockname()[1]}"
        command = [sys.executable, "-m", "shipway_lab.forward", target]
        with (
            subprocess.Popen(command, pass_fds=[listener.fileno()]) as process,
            socket.create_connection(listener.getsockname()),
            far.accept()[0],
        ):
            process.send_signal(signal.SIGTERM)
            assert process.wait(1) == -signal.SIGTERM
