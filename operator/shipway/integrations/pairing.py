"""Lays two versions' answers to one request side by side: the gateway sent it to one, and a copy of it to the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

Predictions = tuple[float, ...] | None
"""The first ones of an answer; None where the answer failed."""
KEPT_SECONDS = 15.0
"""How long an answer waits for its other half: pods are read one after the other, and tell of the last five seconds."""
MAX_KEPT = 2048


@dataclass
class Pairing:
    """What was told of both versions in the last seconds.

    Attributes:
        monotonic: Seconds that only grow.
    """

    monotonic: Callable[[], float]
    _new: dict[str, tuple[float, Predictions]] = field(default_factory=dict)
    _old: dict[str, tuple[float, Predictions]] = field(default_factory=dict)
    _paired: dict[str, float] = field(default_factory=dict)

    def take(self, *, candidate: Mapping[str, Predictions], stable: Mapping[str, Predictions]) -> tuple[float, ...]:
        """How far the answers to each request are apart that both have told of now; each request counts once.

        Args:
            candidate: Answers of the new version's pods by request; pods tell the same again until they forget it.
            stable: The same of stable.
        """
        now = self.monotonic()
        for told, answers in ((self._new, candidate), (self._old, stable)):
            for request, predictions in answers.items():
                told.setdefault(request, (now, predictions))
        both = [request for request in self._new if request in self._old and request not in self._paired]
        self._paired |= dict.fromkeys(both, now)
        found = tuple(_distance(self._new[request][1], self._old[request][1]) for request in both)
        self._forget(now)
        return found

    def _forget(self, now: float) -> None:
        for told in (self._new, self._old):
            _drop(told, [request for request, (at, _) in told.items() if now - at > KEPT_SECONDS])
        _drop(self._paired, [request for request, at in self._paired.items() if now - at > 2 * KEPT_SECONDS])


def _distance(new: Predictions, old: Predictions) -> float:
    """The largest difference of two predictions; infinite where only one failed, or one has more predictions."""
    if new is None or old is None:
        return 0.0 if new is old else inf
    if len(new) != len(old):
        return inf
    return max((abs(a - b) for a, b in zip(new, old, strict=True)), default=0.0)


def _drop(told: dict[str, Any], late: list[str]) -> None:
    """Forget those, and the oldest where there are too many."""
    for request in (*late, *list(told)[len(late) : len(told) - MAX_KEPT]):
        told.pop(request, None)
