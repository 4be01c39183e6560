"""Processes of the parts: started in a cgroup per part, so that every descendant counts as that part's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipway_lab import cgroups

PARTS_CGROUP = "parts"
_ACCOUNTING = Path("/sys/fs/cgroup/pids")
_GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class Command:
    """A process to run.

    Attributes:
        name: Name of its log file.
        arguments: Program and arguments.
        env: Variables on top of the supervisor's own.
        descriptors: File descriptors it inherits.
    """

    name: str
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    descriptors: tuple[int, ...]


class Processes:
    """Starts, watches and stops the processes of all parts. Safe to use from several threads."""

    def __init__(self, logs: Path, env: Mapping[str, str]) -> None:
        """Create with nothing running.

        Args:
            logs: Folder for the log files.
            env: Environment of every process.
        """
        self._logs = logs
        self._env = dict(env)
        self._running: dict[str, list[tuple[Command, subprocess.Popen[bytes]]]] = {}
        self._mutex = threading.Lock()

    def start(
        self,
        part: str,
        name: str,
        arguments: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        """Start a process of a part; the arguments are those of `Command`."""
        command = Command(name, tuple(str(word) for word in arguments), env or {}, descriptors)
        with self._mutex:
            self._running.setdefault(part, []).append((command, self._spawn(part, command)))

    def run(self, arguments: Sequence[str | Path], **env: str) -> str:
        """Run a short command to its end with the parts' environment and return its output.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        words = [str(word) for word in arguments]
        done = subprocess.run(
            words, env={**self._env, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        return done.stdout

    def dead(self) -> list[tuple[str, Command, int]]:
        """Part, command and exit code of each process that ended by itself and was not started again."""
        with self._mutex:
            return [
                (part, command, process.returncode)
                for part, started in self._running.items()
                for command, process in started
                if process.poll() is not None
            ]

    def restart(self, part: str, command: Command) -> None:
        """Start a process that ended once more, with the same command."""
        with self._mutex:
            others = [entry for entry in self._running[part] if entry[0] != command]
            self._running[part] = [*others, (command, self._spawn(part, command))]

    def stop(self, part: str) -> None:
        """End the part's processes: politely, and after a second without asking."""
        with self._mutex:
            started = self._running.pop(part, [])
        for _, process in started:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for _, process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for pid, _ in cgroups.processes(_ACCOUNTING / PARTS_CGROUP / part):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _spawn(self, part: str, command: Command) -> subprocess.Popen[bytes]:
        cgroup = _ACCOUNTING / PARTS_CGROUP / part
        cgroup.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{command.name}.log").open("ab") as log:
            process = subprocess.Popen(
                command.arguments,
                env={**self._env, **command.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=command.descriptors,
            )
        with contextlib.suppress(ProcessLookupError):  # It ended already; `dead` will tell.
            (cgroup / "cgroup.procs").write_text(str(process.pid))
        return process
