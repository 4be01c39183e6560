"""What goes over the wire: the bodies of writes, the lines of a watch, the pages of a list."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter

from shipway.kube.resource import Object
from shipway.kube.shapes import Metadata

AS_IT_COMES = {"Accept-Encoding": "identity"}
"""Header: uncompressed. The API server takes longer to compress a long list than a network to carry the rest, and what
a stranger has not packed need not be unpacked in the operator's memory."""
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


class ListMetadata(msgspec.Struct):
    """Where a list stands."""

    version: str = msgspec.field(name="resourceVersion", default="")
    token: str = msgspec.field(name="continue", default="")
    """What the next page is asked for by; empty on the last."""


class _Head(msgspec.Struct):
    metadata: ListMetadata


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
    return msgspec.json.decode(head + b"}", type=_Head).metadata.token


def page(body: bytes, shape: type | None = None) -> tuple[list[Object], ListMetadata]:
    """The objects of a page.

    Args:
        body: The answer.
        shape: A TypedDict of what is wanted of each object; without it all but `managedFields`. What is not in it is
            passed over without a value being made of it, which is most of the time that a list takes. Objects that
            have not this shape come whole.
    """
    try:
        found = _page_decoder(shape).decode(body)
    except msgspec.ValidationError:
        if shape is None:
            raise
        return page(body)
    items = found.items or []
    return (items if shape else [_whole(item) for item in items]), found.metadata


def event(line: bytes, shape: type | None = None) -> tuple[str, Object]:
    """The type and the object of one line of a watch; see page. An error's object is a Status, and whole."""
    found = _EVENT.decode(line)
    if shape is not None and found.type != "ERROR":
        with suppress(msgspec.ValidationError):
            return found.type, _decoder(shape).decode(found.object)
    return found.type, _whole(_RAW_OBJECT.decode(found.object))


def decoded(data: bytes) -> Any:
    """What an answer says; its text where that is no JSON."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode(errors="replace")


def retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds to wait that the server asks for, if it does."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_EVENT = msgspec.json.Decoder(_Event)
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_METADATA = msgspec.json.Decoder(Metadata)
_ANYTHING = msgspec.json.Decoder()


def _whole(raw: dict[str, msgspec.Raw]) -> Object:
    return {name: (_METADATA if name == "metadata" else _ANYTHING).decode(value) for name, value in raw.items()}


@lru_cache
def _decoder(shape: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(shape)


@lru_cache
def _page_decoder(shape: type | None) -> "msgspec.json.Decoder[Any]":
    item: Any = shape or dict[str, msgspec.Raw]
    return _decoder(msgspec.defstruct("Page", [("metadata", ListMetadata), ("items", list[item] | None, None)]))
