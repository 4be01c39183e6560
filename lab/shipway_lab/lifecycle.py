"""Up and down: from the command line's point of view, outside the lab's namespaces."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from shipway_lab import jsonfile, keeper, parts, pki
from shipway_lab import paths as lab_paths
from shipway_lab.artifacts.cache import Artifact, Cache
from shipway_lab.artifacts.lanes import ensure_all
from shipway_lab.artifacts.progress import Progress
from shipway_lab.errors import LabError, PartFailedError
from shipway_lab.paths import LabPaths
from shipway_lab.spec import LabSpec

DEFAULT_PORTS = {"api": 16443, "gateway": 18080, "s3": 17070}
SOURCES = ("operator", "workloads")
_OFFERED_BY = {"api": "apiserver", "gateway": "contour", "s3": "s3"}
_DOWN_SECONDS = 30.0
_LOCK_SECONDS = 1.0
_POLL_SECONDS = 0.05


def build(names: Sequence[str], progress: Progress) -> dict[str, Path]:
    """Put everything the parts are made from into the cache.

    Returns:
        The path of each artifact by its name.

    Raises:
        LabError: A build failed.
    """
    return ensure_all(Cache(lab_paths.cache_home()), _artifacts(names), progress)


def up(
    name: str, names: tuple[str, ...], *, ports: dict[str, int | None], fake_nodes: int, progress: Progress
) -> LabSpec:
    """Start a lab and return when all its parts are ready.

    Args:
        name: Name of the lab.
        names: Its parts, in order.
        ports: Port on 127.0.0.1 for each service; None takes the usual one, or any free one if that is taken.
        fake_nodes: Number of nodes without machines.
        progress: Where to say what happens.

    Raises:
        LabError: It runs already with other parts, a port is taken, a build or a part failed.
    """
    paths = LabPaths.of(name)
    running = _running(paths, names)
    if running:
        return running
    if "kubelet" in names:
        _check_readable()
    built = build(names, progress)
    while (lock := keeper.take_lock(paths, patience=_LOCK_SECONDS)) is None:
        running = _running(paths, names)  # Somebody else was quicker.
        if running:
            return running
    _clear_remains(paths)
    listeners = {
        service: _listen(service, ports.get(service)) for service, part in _OFFERED_BY.items() if part in names
    }
    spec = LabSpec(
        name=name,
        parts=names,
        ports={service: listener.getsockname()[1] for service, listener in listeners.items()},
        artifacts={artifact: str(path) for artifact, path in built.items()},
        sources={root: str(lab_paths.checkout() / root) for root in SOURCES},
        python_prefix=sys.base_prefix,
        keep_visible=_visible(paths),
        fake_nodes=fake_nodes,
    )
    _write_state(paths, spec)
    started = _start_keeper(paths, spec, listeners, lock)
    try:
        _await_ready(paths, started, progress)
    except KeyboardInterrupt:
        down(name)
        raise
    return spec


def down(name: str) -> bool:
    """End a lab and wait until nothing of it is left.

    Returns:
        Whether there was anything to end.

    Raises:
        LabError: Something of it is still there after 30 seconds.
    """
    paths = LabPaths.of(name)
    was_alive = keeper.alive(paths)
    asked = False
    deadline = time.monotonic() + _DOWN_SECONDS
    while keeper.alive(paths):
        pid = keeper.running(paths)
        if pid and not asked:  # A lab that is only just starting writes down its keeper in a moment.
            asked = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise LabError(f"lab {name} is still ending after {_DOWN_SECONDS:.0f} s; see {paths.logs}/keeper.log")
        time.sleep(_POLL_SECONDS)
    return _clear_remains(paths) or was_alive


def _artifacts(names: Sequence[str]) -> list[Artifact]:
    found = {artifact.name: artifact for name in names for artifact in parts.REGISTRY[name].artifacts()}
    return list(found.values())


def _clear_remains(paths: LabPaths) -> bool:
    """Do what keeper and sweeper left undone because both were killed."""
    known = jsonfile.read(paths.keeper)
    if known:
        keeper.sweep(paths, [Path(group) for group in known["cgroups"]])
    return known is not None


def _running(paths: LabPaths, names: tuple[str, ...]) -> LabSpec | None:
    """The lab that runs already, as soon as it is ready; None if there is none, or it was just ending.

    Raises:
        LabError: It has other parts.
    """
    while keeper.alive(paths):
        spec = LabSpec.load(paths.spec)
        # Without a keeper it is about to start or about to be cleaned up, and what lies there is of a former life.
        if spec and keeper.running(paths):
            if set(spec.parts) != set(names):
                other = f"lab {paths.root.name} is up with other parts ({', '.join(spec.parts)})"
                raise LabError(f"{other}: `down` first, or take another --name")
            if (jsonfile.read(paths.progress) or {}).get("ready"):
                return spec
        time.sleep(_POLL_SECONDS)
    return None


def _listen(service: str, port: int | None) -> socket.socket:
    for candidate in (port,) if port is not None else (DEFAULT_PORTS[service], 0):
        try:
            return socket.create_server(("127.0.0.1", candidate), backlog=512)
        except OSError as error:
            if port is not None:
                raise LabError(f"--{service}-port {port}: {error.strerror}; leave it out to take a free one") from error
    raise LabError(f"no free port on 127.0.0.1 for {service}")


def _visible(paths: LabPaths) -> tuple[str, ...]:
    folders = (paths.root, lab_paths.cache_home(), lab_paths.checkout(), Path(sys.prefix), Path(sys.base_prefix))
    return tuple(str(folder) for folder in dict.fromkeys(folders))


def _check_readable() -> None:
    """Pods run as nobody in particular: what they see of the checkout must be readable for everybody."""
    for root in SOURCES:
        for path in (lab_paths.checkout() / root).rglob("*"):
            if path.suffix == ".py" and not path.stat().st_mode & stat.S_IROTH:
                raise LabError(f"{path} is not readable for others, so pods could not use it: chmod -R o+rX {root}")


def _write_state(paths: LabPaths, spec: LabSpec) -> None:
    shutil.rmtree(paths.root, ignore_errors=True)
    for folder in (paths.config, paths.logs, paths.data, paths.bin):
        folder.mkdir(parents=True)
    paths.root.chmod(0o700)
    pki.create(paths.pki, now=datetime.datetime.now(datetime.UTC))
    paths.kubeconfig.write_text(pki.kubeconfig(paths.pki, "admin", server=f"https://127.0.0.1:{spec.ports['api']}"))
    spec.save(paths.spec)


def _start_keeper(
    paths: LabPaths, spec: LabSpec, listeners: dict[str, socket.socket], lock: int
) -> subprocess.Popen[bytes]:
    words = [f"{service}={listener.fileno()}" for service, listener in listeners.items()]
    with (paths.logs / "keeper.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "shipway_lab.keeper", str(paths.root), spec.name, str(lock), *words],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(lab_paths.checkout() / "lab")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock, *(listener.fileno() for listener in listeners.values())],
        )
    os.close(lock)
    for listener in listeners.values():
        listener.close()
    return process


def _await_ready(paths: LabPaths, keeper_process: subprocess.Popen[bytes], progress: Progress) -> None:
    shown: set[str] = set()
    while True:
        ended = keeper_process.poll() is not None
        report = jsonfile.read(paths.progress) or {"parts": {}, "ready": False, "error": ""}
        for name, part in report["parts"].items():
            if part["state"] == "Ready" and name not in shown:
                shown.add(name)
                progress.say(f"{name}: ready after {part['seconds']:.1f} s")
        if report["ready"]:
            return
        if ended:
            log = (paths.logs / "keeper.log").read_text(errors="replace")[-3000:]
            raise PartFailedError(f"the lab did not come up. {report['error']}\n{log}")
        time.sleep(_POLL_SECONDS)
