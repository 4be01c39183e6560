"""Progress a person can read: what is being made, for how long already, and for about how long in all."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_BETWEEN_REDRAWS = 0.5


@dataclass
class Step:
    """One thing being made. The builder may say what it is doing just now."""

    name: str
    expected_seconds: float
    started: float
    detail: str = ""

    def line(self, now: float) -> str:
        """For example: `hk: 73 s of about 5 min, 812 packages compiled`."""
        passed = now - self.started
        text = f"{self.name}: {_duration(passed)} of about {_duration(max(self.expected_seconds, passed))}"
        return f"{text}, {self.detail}" if self.detail else text


@dataclass
class Progress:
    """Reports steps on a stream: redrawn in place on a terminal, a line now and then elsewhere."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self._clear()
        print(text, file=self.stream, flush=True)

    @contextlib.contextmanager
    def step(self, name: str, expected_seconds: float) -> Iterator[Step]:
        """Report a step for as long as the block runs."""
        step = Step(name, expected_seconds, time.monotonic())
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(step, done), daemon=True)
        self.say(f"{name}: about {_duration(expected_seconds)}")
        watcher.start()
        try:
            yield step
            self.say(f"{name}: done in {_duration(time.monotonic() - step.started)}")
        finally:
            done.set()
            watcher.join()

    def _watch(self, step: Step, done: threading.Event) -> None:
        terminal = self.stream.isatty()
        while not done.wait(_SECONDS_BETWEEN_REDRAWS if terminal else _SECONDS_BETWEEN_LINES):
            line = step.line(time.monotonic())
            print(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n", file=self.stream, flush=True)
        self._clear()

    def _clear(self) -> None:
        if self.stream.isatty():
            print("\r\x1b[K", end="", file=self.stream, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min"
