"""A list read as it arrives: its objects are given as soon as they are whole, and no more than a part of it is held.

All of a list at once is what the API server answers best: from its own memory, as fresh as etcd, and written object by
object. The pages of a list in which nothing has changed for some minutes are read from etcd and decoded there one by
one, which takes four times as long (Kubernetes 1.36).
"""

import re

import msgspec

from shipway.kube import wire
from shipway.kube.resource import Object

PART_BYTES = 1 << 20
_ITEMS = b'"items":['
_BEGINNING = re.compile(rb'\{(?:"[A-Za-z]+":"[^"\\]*",)*"metadata":\{')
"""Of an object: its type, where the objects of a list bear that, then its metadata."""


class ListReader:
    """Reads the body of one list.

    Args:
        shape: See wire.objects.
    """

    def __init__(self, shape: type | None = None) -> None:
        self._shape = shape
        self._head = b""
        """What comes before the objects."""
        self._border = b""
        """What lies between two objects, and may lie within one."""
        self._held: list[bytes] = []
        """Of the objects, and what comes after them."""
        self._size = 0

    def take(self, chunk: bytes) -> list[Object]:
        """The next bytes; the objects that are whole by now and were not given before, once they are many."""
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size < PART_BYTES:
            return []
        held = b"".join(self._held)
        if not self._border:
            held = self._find_border(held)
        items, end = self._whole(held)
        self._held, self._size = [held[end:]], len(held) - end
        return items

    def rest(self) -> tuple[list[Object], str]:
        """The objects that were not given yet and the list's resourceVersion, when all bytes were taken.

        Raises:
            msgspec.DecodeError: there should have been more.
        """
        items, metadata = wire.whole_list(self._head + b"".join(self._held), self._shape)
        return items, metadata.version

    def _find_border(self, held: bytes) -> bytes:
        head, found, objects = held.partition(_ITEMS)
        beginning = _BEGINNING.match(objects)
        if not found or beginning is None:
            return held
        self._head, self._border = head + found, b"}," + beginning.group()
        return objects

    def _whole(self, held: bytes) -> tuple[list[Object], int]:
        """The objects before the last border that is one, and where the next object begins."""
        end = held.rfind(self._border) if self._border else -1
        while end >= 0:
            try:
                return wire.objects(b"[%b}]" % held[:end], self._shape), end + len(b"},")
            except msgspec.DecodeError:  # it lies within an object, or in a text: what comes before is no list
                end = held.rfind(self._border, 0, end)
        return [], 0
