"""Conditions as values: set one, find one, keep the transition time honest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from shipway.api.schema import Condition


class Type(StrEnum):
    """Condition types shared by several kinds (kstatus reads the first three)."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class Verdict:
    """One decided condition, before it meets the clock and the previous status."""

    type: str
    status: bool | None
    reason: str
    message: str = ""


def rfc3339(seconds: float) -> str:
    """Unix seconds as the RFC 3339 text Kubernetes uses (UTC, whole seconds)."""
    return _rfc3339(int(seconds))


@lru_cache(maxsize=64)
def _rfc3339(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(time: str) -> float:
    """The Unix seconds of an RFC 3339 time."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def merge(
    previous: Iterable[Condition], verdicts: Sequence[Verdict], *, generation: int, now: float
) -> list[Condition]:
    """The new condition list: exactly the decided types, in order; a transition time moves only with its status."""
    known = {c.type: c for c in previous}
    return [_condition(known.get(v.type), v, generation=generation, now=now) for v in verdicts]


def find(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """The condition of that type, if it is set."""
    return next((c for c in conditions if c.type == type_), None)


def is_true(conditions: Iterable[Condition], type_: str) -> bool:
    """Whether the condition is set and True."""
    found = find(conditions, type_)
    return found is not None and found.status == "True"


def _condition(previous: Condition | None, verdict: Verdict, *, generation: int, now: float) -> Condition:
    status = {True: "True", False: "False", None: "Unknown"}[verdict.status]
    unchanged = previous is not None and previous.status == status
    return Condition(
        type=verdict.type,
        status=status,
        reason=verdict.reason,
        message=verdict.message[:2048],
        last_transition_time=previous.last_transition_time if unchanged and previous else rfc3339(now),
        observed_generation=generation,
    )
