"""The newest answers by the id of their request, so that two versions' answers to one request can be laid side by side.

A gateway that mirrors gives a request and its copy the same id. Both versions must keep the same requests whatever the
rate, so which are kept is decided by the id alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import blake2b
from math import isfinite
from typing import Any

HEADER = b"x-request-id"
MAX_ID_BYTES = 128
"""A longer id is a client's own, and no request's."""
MAX_PREDICTIONS = 16
MAX_KEPT = 256
KEPT_SECONDS = 5.0
AT_MOST_A_SECOND = 50
"""Answers kept; more requests than that are thinned out."""
_BITS = 64

Predictions = tuple[float, ...] | None
"""The first ones of an answer; None of one that failed."""
predicted: ContextVar[list[float] | None] = ContextVar("predicted", default=None)
"""Where the model leaves what it predicts for the request under way."""


def leave(predictions: Sequence[float]) -> None:
    """What the request under way is answered with."""
    if (box := predicted.get()) is not None:
        box.extend(predictions[:MAX_PREDICTIONS])


def id_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The id of a request; empty where it has none that can be used."""
    found = next((value for name, value in headers if name == HEADER), b"")
    return found if len(found) <= MAX_ID_BYTES else b""


@dataclass
class RecentAnswers:
    """A few hundred answers of the last seconds.

    Attributes:
        clock: Seconds that only grow.
    """

    clock: Callable[[], float]
    _kept: deque[tuple[float, str, Predictions]] = field(default_factory=lambda: deque(maxlen=MAX_KEPT))
    _thinned: int = 0
    _second: int = 0
    _in_second: int = 0

    def observe(self, id_: bytes, predictions: Predictions) -> None:
        """Keeps an answer, or thins it out: of every 2 ** n requests the one whose hash begins with n zeros."""
        digest = blake2b(id_, digest_size=_BITS // 8).digest()
        if int.from_bytes(digest) >> (_BITS - self._thinned):
            return
        now = self.clock()
        self._count(int(now))
        self._kept.append((now, digest.hex(), predictions))

    def to_json(self) -> list[Any]:
        """As `/counters` tells them where it is asked to, oldest first."""
        least = self.clock() - KEPT_SECONDS
        return [[id_, _written(found)] for at, id_, found in self._kept if at >= least]

    def _count(self, second: int) -> None:
        """Thins out further as soon as a second is full, and less when one is nearly empty."""
        if second != self._second:
            if self._in_second * 4 < AT_MOST_A_SECOND:
                self._thinned = max(0, self._thinned - 1)
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second >= AT_MOST_A_SECOND:
            self._thinned, self._in_second = self._thinned + 1, 0


def _written(predictions: Predictions) -> list[float] | None:
    """As JSON can bear it: it has no NaN, and one would make all the counters unreadable."""
    if predictions is None or not all(isfinite(each) for each in predictions):
        return None
    return [round(each, 6) for each in predictions]
