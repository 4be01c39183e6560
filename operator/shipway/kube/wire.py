"""What goes over the wire: the bodies of writes, the lines of a watch, the pages of a list."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractStreamWriter

HEAD_BYTES = 4096
"""In which the metadata of a list lie, if they come first."""


class Checked(aiohttp.BytesPayload):
    """The body of a write, which checks once more as its bytes go out: a connection may have been waited for."""

    def __init__(self, data: bytes, check: Callable[[], None]) -> None:
        super().__init__(data)
        self._check = check

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Check, then write."""
        try:
            self._check()
        except BaseException as error:
            # Nobody sees what this task raises. A broken connection is tried again, and there the check is met anew.
            raise ConnectionAbortedError("writing was forbidden as the request went out") from error
        await super().write_with_length(writer, content_length)


async def lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of an answer that goes on."""
    # Not aiohttp's own line reader: it refuses lines longer than its buffer, and an object may have 1.5 MB.
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line


def continuation(body: bytes) -> str:
    """The token of the next page, if the list begins with its metadata; empty too where it ends with them."""
    head, found, _ = body[:HEAD_BYTES].partition(b',"items":[')
    if not found or b'"metadata"' not in head:
        return ""
    token: str = orjson.loads(head + b"}")["metadata"].get("continue", "")
    return token


def decoded(data: bytes) -> Any:
    """What an answer says; its text where that is no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return data.decode(errors="replace")


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds to wait that the server asks for, if it does."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None
