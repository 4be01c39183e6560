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
_WIDTH = 110


@dataclass
class Step:
    """One thing being made. The builder may say what it is doing just now."""

    name: str
    expected_seconds: float
    started: float
    detail: str = ""

    def line(self, now: float) -> str:
        """For example: `hk: 73 s of about 4.8 min, 812 packages compiled`."""
        passed = now - self.started
        text = f"{self.name}: {duration(passed)} of about {duration(max(self.expected_seconds, passed))}"
        return f"{text}, {self.detail}" if self.detail else text


@dataclass
class Progress:
    """Reports steps on a stream: redrawn in place on a terminal, a line now and then elsewhere.

    Several steps may run at once, in threads.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _steps: list[Step] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def say(self, text: str) -> None:
        """Print a line of its own."""
        with self._mutex:
            self._print(text, end="\n")

    @contextlib.contextmanager
    def step(self, name: str, expected_seconds: float) -> Iterator[Step]:
        """Report a step for as long as the block runs."""
        step = Step(name, expected_seconds, time.monotonic())
        self.say(f"{name}: about {duration(expected_seconds)}")
        self._steps.append(step)
        try:
            yield step
        finally:
            self._steps.remove(step)
        self.say(f"{name}: done in {duration(time.monotonic() - step.started)}")

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show what the steps are at, for as long as the block runs."""
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _watch(self, done: threading.Event) -> None:
        terminal = self.stream.isatty()
        while not done.wait(_SECONDS_BETWEEN_REDRAWS if terminal else _SECONDS_BETWEEN_LINES):
            now = time.monotonic()
            line = " | ".join(step.line(now) for step in list(self._steps))
            with self._mutex:
                self._print(line[:_WIDTH], end="") if terminal else self._print(line, end="\n")
        if terminal:
            with self._mutex:
                self._print("", end="")

    def _print(self, text: str, *, end: str) -> None:
        start = "\r\x1b[K" if self.stream.isatty() else ""
        print(f"{start}{text}", end=end, file=self.stream, flush=True)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
