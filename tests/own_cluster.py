"""A cluster of one's own, for tests that install and remove what all other tests stand on."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cluster:
    """A control plane without nodes."""

    kubeconfig: Path

    def kubectl(self, *arguments: str, stdin: str | None = None, user: str | None = None) -> str:
        """What kubectl printed.

        Raises:
            RefusedError: kubectl failed; the error is what it said.
        """
        done = self._run(arguments, stdin=stdin, user=user)
        if done.returncode != 0:
            raise RefusedError(done.stderr.strip())
        return done.stdout

    def refusal(self, *arguments: str, stdin: str | None = None, user: str | None = None) -> str:
        """What kubectl said when it was refused; an assertion error when it was not."""
        done = self._run(arguments, stdin=stdin, user=user)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} was not refused: {done.stdout}"
        return done.stderr.strip()

    def succeeds(self, *arguments: str) -> bool:
        """Whether kubectl succeeded."""
        return self._run(arguments, stdin=None, user=None).returncode == 0

    def names(self, resource: str, *arguments: str) -> list[str]:
        """Names of the objects of a resource."""
        template = "{range .items[*]}{.metadata.name}{'\\n'}{end}"
        return self.kubectl("get", resource, *arguments, "-o", f"jsonpath={template}").split()

    def get(self, *arguments: str) -> Any:
        """An object or a list, decoded."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def _run(
        self, arguments: tuple[str, ...], *, stdin: str | None, user: str | None
    ) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", f"--kubeconfig={self.kubeconfig}", "--request-timeout=20s", *arguments]
        if user:
            command += [f"--as={user}", "--as-group=system:authenticated"]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


class RefusedError(AssertionError):
    """kubectl failed where it should not have."""


@contextmanager
def own_cluster(name: str, *options: str) -> Iterator[Cluster]:
    """A fresh control plane of that name, with further options of the lab's `up`, gone afterwards."""
    try:
        _lab("up", "--no-node", "--name", name, *options)
        yield Cluster(Path(json.loads(_lab("status", "--name", name, "-o", "json"))["kubeconfig"]))
    finally:
        _lab("down", "--name", name)


def _lab(*arguments: str) -> str:
    """What the lab printed. The first `up` on a machine builds the control plane, which takes minutes."""
    command = [sys.executable, "-m", "shipway_lab", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, f"shipway_lab {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def eventually(what: str, holds: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait until it holds.

    Raises:
        AssertionError: it did not within the time; says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
