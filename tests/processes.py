"""Workload processes as pods run them, started on this machine and always ended."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PATIENCE_SECONDS = 300


@dataclass
class Started:
    """A process with its termination message."""

    process: subprocess.Popen[str]
    log: Path

    def wait(self) -> int:
        """Its exit code."""
        return self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """SIGSTOP to it and all of its children: they are there and do nothing."""
        for process in self._tree():
            process.suspend()

    def go_on(self) -> None:
        """SIGCONT to all of them."""
        for process in self._tree():
            process.resume()

    def kill(self) -> None:
        """SIGKILL to it and all of its children, as when a container is killed."""
        tree = self._tree()
        for process in tree:
            process.kill()
        psutil.wait_procs(tree[1:], PATIENCE_SECONDS)
        self.process.wait(PATIENCE_SECONDS)

    def _tree(self) -> list[psutil.Process]:
        # torchrun gives each worker a session of its own, so a process group would miss them.
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def message(self) -> dict[str, Any]:
        """What it left in its termination log."""
        return json.loads(self.log.read_text())  # type: ignore[no-any-return]


@contextmanager
def started(module: str, *args: str, log: Path, env: Mapping[str, str]) -> Iterator[Started]:
    """Runs `python -m module args` until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *args],
        env={**os.environ, "OMP_NUM_THREADS": "1", **env, "SHIPWAY_TERMINATION_LOG": str(log)},
        text=True,
    )
    running = Started(process, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.kill()


def unused_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: str, holds: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until something holds, or fails by its name."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.01)
