"""Checkpoints in an object store, atomic and fenced by attempt.

A checkpoint is one object, written whole; then the attempt's pointer, also one object, says which it is. Object stores
offer no lock, so each attempt has a pointer of its own and the highest attempt's pointer counts. A new attempt writes
its pointer before its first step; from then on nothing an older attempt does can move what later ones resume from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shipway_workloads.storage import Store
from shipway_workloads.training.contract import TrainingError, TrainingReason
from shipway_workloads.training.progress import Checkpoint, rfc3339

KEPT = 2
CLAIM_TRIES = 3

_POINTER = re.compile(r"latest-(\d{6})\.json")
_OBJECT = re.compile(r"step-(\d{9})-attempt-(\d{6})\.pt")


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """What an attempt resumes from: `object` holds the state after `step` steps and hashes to `digest`."""

    step: int
    object: str
    digest: str
    time: datetime

    def to_json(self) -> str:
        """The text of a pointer object; also how ranks tell each other."""
        return json.dumps(
            {"step": self.step, "object": self.object, "digest": self.digest, "time": rfc3339(self.time)},
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Pointer:
        """Reads `to_json`.

        Raises:
            TrainingError: InvalidCheckpoint.
        """
        try:
            value = json.loads(text)
            return cls(
                step=int(value["step"]),
                object=str(value["object"]),
                digest=str(value["digest"]),
                time=datetime.fromisoformat(value["time"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(TrainingReason.INVALID_CHECKPOINT, f"unreadable checkpoint pointer: {error}") from error


class CheckpointStore:
    """The checkpoints of one job, seen by one attempt."""

    def __init__(self, store: Store, *, attempt: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._attempt = attempt
        self._now = now

    def claim(self) -> Pointer | None:
        """Makes this attempt the one that counts.

        Returns:
            What to resume from; None when the job has no checkpoint yet.

        Raises:
            TrainingError: StaleAttempt, when a later attempt has begun; InvalidCheckpoint, when its object is missing.
            StorageError: The store cannot be read or written.
        """
        for _ in range(CLAIM_TRIES):
            pointer = self._newest_pointer()
            self._write_pointer(pointer)
            # An older attempt that still runs may have pruned the object between our read and our claim.
            if pointer is None or pointer.object in self._store.names():
                return pointer
        raise TrainingError(
            TrainingReason.INVALID_CHECKPOINT,
            f"{self._store.uri} points to {pointer.object if pointer else 'nothing'}, which is missing; restore it, or"
            " give the job an empty checkpoint URI to start afresh",
        )

    def load(self, pointer: Pointer) -> bytes:
        """The checkpoint's bytes, checked against the pointer's digest.

        Raises:
            TrainingError: InvalidCheckpoint, when they differ.
        """
        data = self._store.read(pointer.object)
        if _digest(data) != pointer.digest:
            raise TrainingError(
                TrainingReason.INVALID_CHECKPOINT,
                f"{self._store.uri}/{pointer.object} does not hash to the {pointer.digest} that its pointer tells",
            )
        return data

    def save(self, step: int, data: bytes) -> Checkpoint:
        """Writes a checkpoint, then moves this attempt's pointer to it, then drops what is no longer needed.

        Raises:
            TrainingError: StaleAttempt, when a later attempt has begun: this process must stop.
        """
        self._refuse_if_stale(self._store.names())
        pointer = Pointer(
            step=step,
            object=f"step-{step:09d}-attempt-{self._attempt:06d}.pt",
            digest=_digest(data),
            time=self._now(),
        )
        self._store.write(pointer.object, data)
        self._write_pointer(pointer)
        self._prune()
        return self.describe(pointer)

    def describe(self, pointer: Pointer) -> Checkpoint:
        """The checkpoint as progress posts tell it."""
        return Checkpoint(step=pointer.step, uri=f"{self._store.uri}/{pointer.object}", time=pointer.time)

    def _newest_pointer(self) -> Pointer | None:
        names = self._store.names()
        self._refuse_if_stale(names)
        attempts = _attempts(names)
        if not attempts:
            return None
        text = self._store.read(_pointer_name(attempts[-1]))
        return None if text == b"null" else Pointer.from_json(text)

    def _write_pointer(self, pointer: Pointer | None) -> None:
        text = pointer.to_json() if pointer else "null"
        self._store.write(_pointer_name(self._attempt), text.encode())

    def _refuse_if_stale(self, names: list[str]) -> None:
        attempts = _attempts(names)
        if attempts and attempts[-1] > self._attempt:
            raise TrainingError(
                TrainingReason.STALE_ATTEMPT,
                f"attempt {attempts[-1]} has taken over {self._store.uri}; attempt {self._attempt} stops",
            )

    def _prune(self) -> None:
        """Keeps the newest objects; two of ours, for an attempt may just now be claiming the one before the last."""
        ours = sorted(name for name in self._store.names() if _owner(name) == self._attempt)
        older = [name for name in self._store.names() if 0 < _owner(name) < self._attempt]
        for name in ours[:-KEPT] + (older if len(ours) >= KEPT else []):
            self._store.delete(name)


def _attempts(names: list[str]) -> list[int]:
    return sorted(int(match[1]) for name in names if (match := _POINTER.fullmatch(name)))


def _pointer_name(attempt: int) -> str:
    return f"latest-{attempt:06d}.json"


def _owner(name: str) -> int:
    match = _OBJECT.fullmatch(name)
    return int(match[2]) if match else 0


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
