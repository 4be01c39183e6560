"""Progress posts of rank 0: the newest state every two seconds, from a thread that training never waits for.

While an activity is announced the newest state is posted again and again, lest it be taken for a training that hangs.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any

from shipway_workloads.training.contract import TrainingContext

INTERVAL_SECONDS = 2.0
POST_SECONDS = 2.0
HEARTBEAT_SECONDS = 10.0
"""Between two posts of an activity during which nothing else changes."""
COMPLAINT_EVERY_POSTS = 30

_log = logging.getLogger(__name__)


class Activity(StrEnum):
    """What rank 0 does instead of steps."""

    COMPILING = "Compiling"
    LOADING_DATA = "LoadingData"
    CHECKPOINTING = "Checkpointing"
    EVALUATING = "Evaluating"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A finished checkpoint: the step it holds, its folder or object, and when it was complete."""

    step: int
    uri: str
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far training is: steps made of the steps planned, last global mean loss, samples/s of all ranks."""

    step: int
    total_steps: int
    loss: float
    samples_per_second: float
    checkpoint: Checkpoint | None = None

    def to_json(self, *, attempt: int, now: datetime, activity: Activity | None = None) -> dict[str, Any]:
        """The body of a post."""
        checkpoint = self.checkpoint and {
            "step": self.checkpoint.step,
            "uri": self.checkpoint.uri,
            "time": rfc3339(self.checkpoint.time),
        }
        return {
            "attempt": attempt,
            "step": self.step,
            "totalSteps": self.total_steps,
            "loss": f"{self.loss:.4f}",
            "samplesPerSecond": f"{self.samples_per_second:.1f}",
            "checkpoint": checkpoint,
            **({"activity": activity.value} if activity else {}),
            "time": rfc3339(now),
        }


class ProgressReporter:
    """Posts the newest `Progress`; failures are logged, never raised.

    A context manager. Does nothing on other ranks and where the job has no progress URL.
    """

    def __init__(
        self,
        context: TrainingContext,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._context = context
        self._interval = interval_seconds
        self._heartbeat = heartbeat_seconds
        self._now = now
        self._latest: Progress | None = None
        self._activity: Activity | None = None
        self._posted: tuple[Progress | None, Activity | None] = (None, None)
        self._posted_at = 0.0
        self._failures = 0
        self._stop = threading.Event()
        enabled = context.progress_url is not None and context.rank == 0
        self._thread = threading.Thread(target=self._loop, name="progress", daemon=True) if enabled else None

    def __enter__(self) -> ProgressReporter:
        """Starts posting."""
        if self._thread:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Posts the last state once more, within one post's time limit."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(timeout=2 * POST_SECONDS)

    def update(self, progress: Progress) -> None:
        """Replaces what the next post says; costs one assignment."""
        self._latest = progress

    @contextmanager
    def activity(self, activity: Activity) -> Iterator[None]:
        """Says what is done instead of steps while inside; told from the first `update` on."""
        before, self._activity = self._activity, activity
        try:
            yield
        finally:
            self._activity = before

    def _loop(self) -> None:
        while not self._stop.wait(self._interval):
            self._post()
        self._post()

    def _post(self) -> None:
        progress, activity = self._latest, self._activity
        if progress is None or not self._is_news(progress, activity):
            return
        try:
            self._send(progress, activity)
        except (OSError, ValueError) as error:
            self._complain(error)
            return
        self._posted, self._posted_at = (progress, activity), time.monotonic()
        self._failures = 0

    def _is_news(self, progress: Progress, activity: Activity | None) -> bool:
        posted, announced = self._posted
        if progress is not posted or activity is not announced:
            return True
        return activity is not None and time.monotonic() - self._posted_at >= self._heartbeat

    def _send(self, progress: Progress, activity: Activity | None) -> None:
        body = json.dumps(progress.to_json(attempt=self._context.attempt, now=self._now(), activity=activity)).encode()
        headers = {"content-type": "application/json"}
        if self._context.token_file:
            # Read anew each time: the kubelet replaces the token before it expires.
            headers["authorization"] = f"Bearer {self._context.token_file.read_text().strip()}"
        url = self._context.progress_url or ""
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=POST_SECONDS) as response:  # noqa: S310
            response.read()

    def _complain(self, error: Exception) -> None:
        if self._failures % COMPLAINT_EVERY_POSTS == 0:
            _log.warning("progress was not taken by %s: %s; training goes on", self._context.progress_url, error)
        self._failures += 1


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with seconds, as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
