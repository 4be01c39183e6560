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

from shipway_lab import accounting, cgroups, isolation

_GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class Command:
    """A process to run.

    Attributes:
        name: Name of its log file.
        machine: The machine it runs on; None for that of the lab's own processes.
        arguments: Program and arguments.
        env: Variables on top of the supervisor's own.
        descriptors: File descriptors it inherits.
    """

    name: str
    machine: str | None
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
        machine: str | None = None,
        env: Mapping[str, str] | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        """Start a process of a part; the arguments are those of `Command`."""
        command = Command(name, machine, tuple(str(word) for word in arguments), env or {}, descriptors)
        with self._mutex:
            self._running.setdefault(part, []).append((command, self._spawn(part, command)))

    def run(self, arguments: Sequence[str | Path], *, machine: str | None = None, **env: str) -> str:
        """Run a short command to its end with the parts' environment, on a machine, and return its output.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        words = [*(isolation.join_machine(machine) if machine else ()), *map(str, arguments)]
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

    def stop(self, part: str, *, grace: float = _GRACE_SECONDS) -> None:
        """End the part's processes: politely, and after `grace` seconds without asking."""
        with self._mutex:
            started = self._running.pop(part, [])
        for _, process in started if grace else ():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + grace
        for _, process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for machine in {command.machine for command, _ in started}:
            for pid, _ in cgroups.processes(accounting.group(part, machine)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _spawn(self, part: str, command: Command) -> subprocess.Popen[bytes]:
        cgroup = accounting.group(part, command.machine)
        cgroup.mkdir(parents=True, exist_ok=True)
        words = command.arguments
        if command.machine:
            join = isolation.join_cgroups(command.machine, cgroup)
            words = (*join, *isolation.join_machine(command.machine), *words)
        with (self._logs / f"{command.name}.log").open("ab") as log:
            process = subprocess.Popen(
                words,
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
