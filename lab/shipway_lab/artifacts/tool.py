"""Running the tools that build things, with their last words kept for the error message."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shipway_lab.errors import LabError

_KEPT_LINES = 30
_running: set[subprocess.Popen[str]] = set()
_starting = threading.Lock()
"""Held from before a tool starts until it is known, so that none is missed by who ends all."""


def search_path() -> str:
    """Where tools are looked for: beside this Python first, where `uv` is."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a command and return what it printed, both streams together.

    Raises:
        LabError: The command is not installed or failed; the message ends with its last lines.
    """
    words = [str(word) for word in command]
    process = _start(words, cwd=cwd, env={**os.environ, "PATH": search_path(), **(env or {})})
    lines: list[str] = []
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    with process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                last.append(line)
                if on_line:
                    on_line(line.rstrip())
        except BaseException:
            _end(process)
            raise
        finally:
            with _starting:
                _running.discard(process)
    if process.returncode:
        raise LabError(f"failed with exit code {process.returncode}: {' '.join(words)}\n{''.join(last)}")
    return "".join(lines)


def stop_all() -> None:
    """End the tools that other threads of this process are waiting for; their `run` then fails."""
    with _starting:
        for process in _running:
            _end(process)


def _start(words: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    with _starting:
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise LabError(f"{words[0]} is not installed, needed for: {' '.join(words)}") from error
        _running.add(process)
        return process


def _end(process: subprocess.Popen[str]) -> None:
    """End a tool with the compilers and downloaders that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
