"""Carries connections from 127.0.0.1 on the host into the lab's network.

The listening sockets were opened before the lab left the host's network and are inherited: accepting happens on the
host's loopback device, connecting inside the lab. Run as `python -m shipway_lab.forward FD=HOST:PORT ...`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
import sys

_CHUNK = 1 << 16


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Forward every connection that `listener` accepts to `host:port`, for ever."""
    server = await asyncio.start_server(functools.partial(_carry, host=host, port=port), sock=listener)
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, host: str, port: int) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(host, port)
    except OSError:
        _reset(writer)
        return
    await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
    for end in (writer, far_writer):
        with contextlib.suppress(OSError):
            end.close()
            await end.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close the way a port does where nobody listens: an orderly end would look like an empty answer."""
    end: socket.socket = writer.get_extra_info("socket")
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    # One direction may end before the other: kubectl exec closes its input and still waits for output.
    with contextlib.suppress(OSError):
        writer.write_eof()


async def _main(arguments: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for argument in arguments:
            descriptor, target = argument.split("=", 1)
            host, port = target.rsplit(":", 1)
            group.create_task(serve(socket.socket(fileno=int(descriptor)), host, int(port)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
