"""The lab's process on the host: makes its cgroups, starts it in namespaces of its own, and cleans up after it.

Three safety lines, each of which holds if this process is killed:
- the kernel kills `unshare` when this process dies, and with it the lab's process 1 and so every process of the lab;
- mounts and network devices belong to the namespaces and vanish with the last process;
- a forked sweeper waits for the end of this process and removes the cgroups, which belong to nobody.

A lock is held by both until all is clean; whoever can take it knows that nothing of the lab is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from shipway_lab import cgroups, jsonfile
from shipway_lab.errors import LabError
from shipway_lab.paths import LabPaths

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 5.0
_LOCK_RETRY_SECONDS = 0.05


def main(arguments: list[str]) -> int:
    """Run the lab until it ends.

    Args:
        arguments: State folder, name, descriptor of the held lock, then `SERVICE=FD` for each listener.

    Returns:
        The supervisor's exit code.
    """
    paths = LabPaths(Path(arguments[0]))
    lock, listeners = int(arguments[2]), arguments[3:]
    os.set_inheritable(lock, False)  # Whoever is executed from here must not hold it; the forked sweeper does.
    descriptors = [int(word.split("=")[1]) for word in listeners]
    groups = cgroups.create(paths.root, arguments[1])
    sweeper = _fork_sweeper(paths, groups, descriptors)
    unshare = _unshare([sys.executable, "-m", "shipway_lab.inner", str(paths.root), *listeners], groups, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    first = _only_child(unshare)
    jsonfile.write(
        paths.keeper,
        {"keeper": os.getpid(), "sweeper": sweeper, "init": first, "cgroups": [str(group) for group in groups]},
    )
    signal.signal(signal.SIGTERM, lambda *_: _stop(unshare, first))
    return unshare.wait()


def take_lock(paths: LabPaths, *, patience: float = 0.0) -> int | None:
    """Take the lab's lock.

    Args:
        paths: Paths of the lab.
        patience: Seconds to try, because somebody who only looks holds it for an instant too.

    Returns:
        Descriptor of the file whose lock is held, or None if something of the lab lives or is being cleaned up.
    """
    paths.lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(_LOCK_RETRY_SECONDS)
        else:
            return descriptor


def alive(paths: LabPaths) -> bool:
    """Whether anything of the lab lives or is being cleaned up."""
    lock = take_lock(paths)
    if lock is None:
        return True
    os.close(lock)
    return False


def running(paths: LabPaths) -> int | None:
    """Process id of the lab's keeper, or None if there is none, or it only just starts or has just ended."""
    kept = jsonfile.read(paths.keeper)
    if not kept:
        return None
    try:
        words = Path(f"/proc/{kept['keeper']}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    # Killed without cleaning up, its number may be somebody else's by now.
    return int(kept["keeper"]) if str(paths.root).encode() in words else None


def sweep(paths: LabPaths, groups: list[Path]) -> None:
    """End what still runs in the cgroups, remove them, and delete the data that nobody can use any more."""
    for group in groups:
        for pid, _ in cgroups.processes(group):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    cgroups.remove(groups)
    for folder in (paths.data, paths.pki, paths.config, paths.bin):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (paths.kubeconfig, paths.keeper):
        file.unlink(missing_ok=True)


def _fork_sweeper(paths: LabPaths, groups: list[Path], descriptors: list[int]) -> int:
    """Fork the process that outlives this one. It knows of our end by the pipe that only we hold open."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(reading)
        return child
    os.setsid()
    for descriptor in (writing, *descriptors):
        os.close(descriptor)
    os.read(reading, 1)
    try:
        sweep(paths, groups)
    except LabError as error:
        print(error, flush=True)
    os._exit(0)


def _unshare(command: list[str], groups: list[Path], descriptors: list[int]) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        cgroups.enter(groups)

    isolated = ["unshare", "-C", "-m", "-n", "-p", "--fork", "--kill-child", "--mount-proc"]
    return subprocess.Popen(
        [*isolated, *command],
        stdin=subprocess.DEVNULL,
        pass_fds=descriptors,
        preexec_fn=prepare,  # noqa: PLW1509
    )


def _only_child(process: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        for child in _read_pids(children):
            return child
        time.sleep(0.005)
    raise SystemExit(f"unshare ended with code {process.returncode}")


def _read_pids(file: Path) -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(pid) for pid in file.read_text().split())


def _stop(unshare: subprocess.Popen[bytes], first: int) -> None:
    """Ask the lab to end, and end it if it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(first, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline and Path(f"/proc/{first}").exists():
        time.sleep(0.02)
    unshare.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
