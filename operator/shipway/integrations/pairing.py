"""Lays two versions' answers to one request side by side: the gateway sent it to one, and a copy of it to the other."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

Predictions = tuple[float, ...] | None
"""The first ones of an answer; None where the answer failed."""
Told = Sequence[tuple[str, Predictions]]
"""Requests and how they were answered, as all pods of a version tell of them at one look."""
KEPT_SECONDS = 15.0
"""How long an answer waits for its other half: pods are read one after the other, and tell of the last five seconds."""
MAX_KEPT = 2048
MAX_SETTLED = 4096
"""Requests that are not to be compared again. While there are so many no more are compared, rather than one twice."""


@dataclass
class Pairing:
    """What was told of both versions in the last seconds.

    What is told at the first look is compared with nothing: whoever looked before a restart may have counted it. Nor is
    a request that a version tells of twice, since a client may send one id with many requests, and which of their
    answers belong together cannot be told.

    Attributes:
        monotonic: Seconds that only grow.
    """

    monotonic: Callable[[], float]
    _new: dict[str, tuple[float, Predictions]] = field(default_factory=dict)
    _old: dict[str, tuple[float, Predictions]] = field(default_factory=dict)
    _settled: dict[str, float] = field(default_factory=dict)
    _begun: bool = False

    def take(self, *, candidate: Told, stable: Told) -> tuple[float, ...]:
        """How far the answers to each request are apart that both have told of now; each request counts once.

        Args:
            candidate: Answers of the new version's pods by request; pods tell the same again until they forget it.
            stable: The same of stable.
        """
        now = self.monotonic()
        told = [request for request, _ in (*candidate, *stable)]
        self._settled |= {request: now for request in told if request in self._settled}
        if not self._begun:
            self._begun = True
            self._settled |= dict.fromkeys(told, now)
        unclear = _repeated(candidate) | _repeated(stable)
        self._settle(unclear, now)
        self._wait(self._new, candidate, unclear, now)
        self._wait(self._old, stable, unclear, now)
        both = [request for request in self._new if request in self._old and request not in unclear]
        both = both[: self._room]
        found = tuple(_distance(self._new[request][1], self._old[request][1]) for request in both)
        self._settle(both, now)
        self._forget(now)
        return found

    @property
    def _room(self) -> int:
        return max(0, MAX_SETTLED - len(self._settled))

    def _settle(self, requests: Iterable[str], now: float) -> None:
        self._settled |= dict.fromkeys(list(requests)[: self._room], now)
        for request in requests:
            self._new.pop(request, None)
            self._old.pop(request, None)

    def _wait(self, waiting: dict[str, tuple[float, Predictions]], told: Told, unclear: set[str], now: float) -> None:
        for request, predictions in told:
            if request not in self._settled and request not in unclear:
                waiting.setdefault(request, (now, predictions))

    def _forget(self, now: float) -> None:
        for waiting in (self._new, self._old):
            _drop(waiting, [request for request, (at, _) in waiting.items() if now - at > KEPT_SECONDS])
        for request in [request for request, at in self._settled.items() if now - at > KEPT_SECONDS]:
            del self._settled[request]


def _repeated(told: Told) -> set[str]:
    return {request for request, times in Counter(request for request, _ in told).items() if times > 1}


def _distance(new: Predictions, old: Predictions) -> float:
    """The largest difference of two predictions; infinite where only one failed, or one has more predictions."""
    if new is None or old is None:
        return 0.0 if new is old else inf
    if len(new) != len(old):
        return inf
    return max((abs(a - b) for a, b in zip(new, old, strict=True)), default=0.0)


def _drop(waiting: dict[str, Any], late: list[str]) -> None:
    """Forget those, and the oldest where there are too many."""
    for request in (*late, *list(waiting)[len(late) : len(waiting) - MAX_KEPT]):
        waiting.pop(request, None)
