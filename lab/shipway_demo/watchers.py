"""What is measured beside the story: the route's weights, the operator's memory, its writes."""

import asyncio
import contextlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

OPERATOR_USER = "system:serviceaccount:shipway-system:shipway-operator"
WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NOT_STATE = frozenset({"leases", "tokenreviews"})
"""Renewing the lease and asking whether a token is valid change nothing anybody keeps."""


@dataclass(frozen=True)
class Weights:
    """The weights of a route at a moment (Unix seconds), by backend Service."""

    at: float
    by_backend: dict[str, int]


class Watcher(ABC):
    """Looks again and again in the background while it is entered."""

    interval: float

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    @abstractmethod
    async def look(self) -> None:
        """Looks once."""

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self.interval)


@dataclass
class RouteWatcher(Watcher):
    """Reads the route ten times a second and keeps every change of its weights."""

    read: Callable[[], Awaitable[dict[str, int] | None]]
    interval: float = 0.1
    changes: list[Weights] = field(default_factory=list)

    def weights_of(self, backend: str, since: float) -> list[Weights]:
        """The changes since then that name the backend."""
        return [w for w in self.changes if w.at >= since and backend in w.by_backend]

    def steps_of(self, backend: str, since: float) -> list[int]:
        """The weights the backend went through since then, repeats in a row left out, zeros too."""
        seen: list[int] = []
        for change in self.weights_of(backend, since):
            weight = change.by_backend[backend]
            if weight and (not seen or seen[-1] != weight):
                seen.append(weight)
        return seen

    def last_off(self, backend: str, since: float) -> float | None:
        """When the backend last lost its share, if it has none now."""
        gone = None
        for change in (w for w in self.changes if w.at >= since):
            share = change.by_backend.get(backend, 0)
            gone = None if share else (gone or change.at)
        return gone

    async def look(self) -> None:
        """Reads the route once."""
        found = await self.read()
        if found is not None and (not self.changes or self.changes[-1].by_backend != found):
            self.changes.append(Weights(time.time(), found))


@dataclass
class PeakWatcher(Watcher):
    """The largest value a function returned."""

    read: Callable[[], Awaitable[float | None]]
    interval: float = 2.0
    peak: float = 0.0

    async def look(self) -> None:
        """Reads the value once."""
        self.peak = max(self.peak, await self.read() or 0.0)


def writes(audit_log: Path, *, offset: int) -> Sequence[dict[str, str]]:
    """The operator's writes that the API server's audit log has recorded after `offset` bytes."""
    found: list[dict[str, str]] = []
    with audit_log.open("rb") as log:
        log.seek(offset)
        for line in log:
            entry = json.loads(line)
            ref = entry.get("objectRef", {})
            if entry["user"]["username"] != OPERATOR_USER or entry["verb"] not in WRITE_VERBS:
                continue
            if ref.get("resource") not in NOT_STATE:
                found.append({"verb": entry["verb"], "resource": ref.get("resource", ""), "name": ref.get("name", "")})
    return found


def refused(audit_log: Path) -> int:
    """How many of the operator's writes RBAC has refused."""
    with audit_log.open("rb") as log:
        entries = [json.loads(line) for line in log]
    return sum(
        entry["user"]["username"] == OPERATOR_USER
        and entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
        for entry in entries
    )


def unlike(seen: list[int], wanted: list[int]) -> int:
    """How many weights are missing from what was seen, or too many in it."""
    missing = sum(weight not in seen for weight in wanted)
    extra = len(seen) - len(set(seen) & set(wanted))
    return missing + extra
