"""What goes over the wire: the bodies of writes, the lines of a watch, the objects of a list."""

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


async def lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of an answer that goes on."""
    # Not aiohttp's own line reader: it refuses lines longer than its buffer, and an object may have 1.5 MB.
    rest = b""
    async for chunk in response.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line


def whole_list(body: bytes, shape: type | None = None) -> tuple[list[Object], ListMetadata]:
    """The objects of a list; see objects."""
    found = _LIST.decode(body)
    return objects(found.items, shape), found.metadata


def objects(array: bytes | msgspec.Raw, shape: type | None = None) -> list[Object]:
    """The objects of a JSON array.

    Args:
        array: As it was sent.
        shape: A TypedDict of what is wanted of each object; without it all but `managedFields`. What is not in it is
            passed over without a value being made of it, which is most of the time that a list takes. Objects that
            have not this shape come whole.
    """
    if shape is not None:
        with suppress(msgspec.ValidationError):
            return _array_decoder(shape).decode(array) or []
    return [_whole(item) for item in _RAW_OBJECTS.decode(array) or ()]


def event(line: bytes, shape: type | None = None) -> tuple[str, Object]:
    """The type and the object of one line of a watch; see objects. An error's object is a Status, and whole."""
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


class _List(msgspec.Struct):
    metadata: ListMetadata
    items: msgspec.Raw


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_EVENT = msgspec.json.Decoder(_Event)
_LIST = msgspec.json.Decoder(_List)
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | None)
_METADATA = msgspec.json.Decoder(Metadata)
_ANYTHING = msgspec.json.Decoder()


def _whole(raw: dict[str, msgspec.Raw]) -> Object:
    return {name: (_METADATA if name == "metadata" else _ANYTHING).decode(value) for name, value in raw.items()}


@lru_cache
def _decoder(shape: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(shape)


@lru_cache
def _array_decoder(shape: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(list[shape] | None)
