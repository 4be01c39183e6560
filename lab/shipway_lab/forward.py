"""Carries connections from 127.0.0.1 on the host into the lab's network.

The listening sockets were opened before the lab left the host's network and are inherited: accepting happens on the
host's loopback device, connecting inside the lab. Run as `python -m shipway_lab.forward FD=HOST:PORT ...`.

What this costs is counted against whatever is measured through it, so bytes are carried by threads that wait in the
kernel, a large buffer at a time: an event loop takes four times as long.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
import threading
import time

_BUFFER_BYTES = 1 << 18
_PIECE_BYTES = 4096
_GATHER_SECONDS = 0.0005
"""The API server sends a long list in pieces of 4 KiB: what follows a piece is left to gather, as network cards do, or
each of them would wake this process and the one it is for."""
_PASSING = {errno.ECONNABORTED, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PAUSE_SECONDS = 0.1


def serve(listener: socket.socket, host: str, port: int) -> None:
    """Forward every connection that `listener` accepts to `host:port`, until it is shut down."""
    listener.setblocking(True)
    while True:
        try:
            near, _ = listener.accept()
        except OSError as error:
            if error.errno == errno.EINVAL:
                return
            if error.errno not in _PASSING:
                raise
            time.sleep(_PAUSE_SECONDS)
            continue
        threading.Thread(target=_carry, args=(near, host, port), daemon=True).start()


def _carry(near: socket.socket, host: str, port: int) -> None:
    with near:
        try:
            far = socket.create_connection((host, port))
        except OSError:
            _reset_when_closed(near)
            return
        with far:
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_pipe, args=(far, near), daemon=True)
            back.start()
            _pipe(near, far)
            back.join()


def _reset_when_closed(end: socket.socket) -> None:
    """Let it close the way a port does where nobody listens: an orderly end would look like an empty answer."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _pipe(source: socket.socket, target: socket.socket) -> None:
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    with contextlib.suppress(OSError):
        while size := source.recv_into(buffer):
            target.sendall(buffer[:size])
            if _PIECE_BYTES <= size < _BUFFER_BYTES:
                time.sleep(_GATHER_SECONDS)
    # One direction may end before the other: kubectl exec closes its input and still waits for output.
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _main(arguments: list[str]) -> int:
    """Forward until told to end; a listener that ends by itself ends them all, for the supervisor to see."""
    ended = threading.Event()

    def follow(listener: socket.socket, host: str, port: int) -> None:
        try:
            serve(listener, host, port)
        finally:
            ended.set()

    for argument in arguments:
        descriptor, target = argument.split("=", 1)
        host, port = target.rsplit(":", 1)
        listener = socket.socket(fileno=int(descriptor))
        threading.Thread(target=follow, args=(listener, host, int(port)), daemon=True).start()
    ended.wait()
    return 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
