"""Brings the parts up, each as soon as those it needs are ready, and keeps them up."""

from __future__ import annotations

import enum
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from shipway_lab import isolation, jsonfile, parts, pki, power
from shipway_lab.errors import LabError, PartFailedError
from shipway_lab.lab import Lab
from shipway_lab.nodes import COMPONENTS, Node, NodeState, with_parts
from shipway_lab.parts.base import Part
from shipway_lab.paths import LabPaths

_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.5
_MOST_RESTARTS = 3
_RESTART_WINDOW_SECONDS = 60.0
_TAIL_LINES = 15


class PartState(enum.StrEnum):
    """Where a part is on its way up."""

    WAITING = "Waiting"
    STARTING = "Starting"
    READY = "Ready"
    STOPPED = "Stopped"
    FAILED = "Failed"


@dataclass
class PartReport:
    """What the status says about one part.

    Attributes:
        state: Where it is.
        seconds: Time from its start to being ready, None before.
        restarts: How often one of its processes ended and was started again.
        message: Why it failed; empty otherwise.
    """

    state: PartState = PartState.WAITING
    seconds: float | None = None
    restarts: int = 0
    message: str = ""


@dataclass
class Supervisor:
    """The life of one lab, from inside its namespaces."""

    lab: Lab
    parts: list[Part]
    started: float = field(default_factory=time.monotonic)
    reports: dict[str, PartReport] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    nodes: dict[Node, NodeState] = field(default_factory=dict)
    _deaths: dict[str, deque[float]] = field(default_factory=dict)
    _ready_after: float | None = None
    _published: dict[str, Any] = field(default_factory=dict)

    def run(self) -> int:
        """Bring everything up, watch until asked to stop, and stop.

        Returns:
            0 after a wanted end, 1 after a failure.
        """
        self.reports = {part.name: PartReport() for part in self.parts}
        self.nodes = dict.fromkeys(with_parts(self.reports), NodeState.RUNNING)
        with ThreadPoolExecutor(max_workers=len(self.parts) + 1) as pool:
            try:
                self._bring_up(pool, self.parts)
                self._watch(pool)
            except LabError as error:
                self._publish(error=str(error))
                return 1
            finally:
                self.stopping.set()
                list(pool.map(lambda part: part.stop(self.lab), self.parts))
        return 0

    def _bring_up(self, pool: ThreadPoolExecutor, wanted: list[Part]) -> None:
        rising: dict[str, Future[None]] = {}
        for part in wanted:  # Each after those it needs, so a waiting thread never blocks one that it waits for.
            rising[part.name] = pool.submit(self._raise, part, [rising[need] for need in part.needs if need in rising])
        pending = set(rising.values())
        while pending and not self.stopping.is_set():
            done, pending = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_EXCEPTION)
            self._restart_dead()
            self._publish()
            for future in done:
                future.result()

    def _raise(self, part: Part, needed: list[Future[None]]) -> None:
        report = self.reports[part.name]
        try:
            for future in needed:
                future.result()
            started = time.monotonic()
            report.state = PartState.STARTING
            part.start(self.lab)
            self._await(part, deadline=started + part.seconds)
            report.seconds = round(time.monotonic() - started, 2)
            report.state = PartState.READY
        except Exception as error:
            report.state = PartState.FAILED
            report.message = report.message or str(error)
            if not isinstance(error, LabError):
                traceback.print_exc()
                said = error.stderr if isinstance(error, subprocess.CalledProcessError) else ""
                raise PartFailedError(f"{part.name}: {error!r}\n{said}".rstrip()) from error
            raise

    def _await(self, part: Part, *, deadline: float) -> None:
        refusal = "it says it is not ready"
        while not self.stopping.is_set():
            try:
                if part.ready(self.lab):
                    return
            except (OSError, LabError) as error:
                refusal = str(error)
            if time.monotonic() > deadline:
                raise PartFailedError(f"{part.name}: not ready after {part.seconds:.0f} s: {refusal}")
            time.sleep(_POLL_SECONDS)
        raise PartFailedError(f"{part.name}: stopped on its way up")

    def _watch(self, pool: ThreadPoolExecutor) -> None:
        while not self.stopping.is_set():
            for node, state in self.nodes.items():
                self._switch(pool, node, state, power.wished(self.lab.paths, node))
            self._restart_dead()
            self._publish(ready=True)
            self.stopping.wait(_WATCH_SECONDS)

    def _switch(self, pool: ThreadPoolExecutor, node: Node, current: NodeState, wanted: NodeState) -> None:
        if current is wanted:
            return
        own = [part for part in self.parts if part.name in {node.part(component) for component in COMPONENTS}]
        if wanted is NodeState.STOPPED:
            for part in own:
                self.reports[part.name].state = PartState.STOPPED
                self.lab.processes.stop(part.name, grace=0)
            power.kill(node)
        elif current is NodeState.STOPPED:
            self._bring_up(pool, own)
        else:
            power.send(node, signal.SIGSTOP if wanted is NodeState.PAUSED else signal.SIGCONT)
        self.nodes[node] = wanted

    def _restart_dead(self) -> None:
        for name, command, code in self.lab.processes.dead():
            deaths = self._deaths.setdefault(command.name, deque(maxlen=_MOST_RESTARTS + 1))
            deaths.append(time.monotonic())
            if len(deaths) > _MOST_RESTARTS and deaths[-1] - deaths[0] < _RESTART_WINDOW_SECONDS:
                self._give_up(name, command.name, code)
            self.reports[name].restarts += 1
            self.lab.processes.restart(name, command)

    def _give_up(self, part: str, process: str, code: int) -> NoReturn:
        within = f"{_MOST_RESTARTS + 1} times within {_RESTART_WINDOW_SECONDS:.0f} s"
        report = self.reports[part]
        report.state, report.message = PartState.FAILED, f"{process} ended {within}, last with code {code}"
        tail = _tail(self.lab.paths.logs / f"{process}.log")
        raise PartFailedError(f"{part}: {report.message}; the end of its log:\n{tail}")

    def _publish(self, *, ready: bool = False, error: str = "") -> None:
        """Write the state down if it is news, with the seconds it took (or takes so far) until all was ready."""
        elapsed = round(time.monotonic() - self.started, 2)
        if ready and self._ready_after is None:
            self._ready_after = elapsed
        news = {
            "ready": ready,
            "error": error,
            "nodes": {node.name: state for node, state in self.nodes.items()},
            "parts": {name: asdict(report) for name, report in self.reports.items()},
        }
        if news != self._published:
            jsonfile.write(self.lab.paths.progress, {**news, "seconds": self._ready_after or elapsed})
            self._published = news


def run(paths: LabPaths, listeners: dict[str, int]) -> int:
    """Be the supervisor of the lab in `paths`, inside its namespaces.

    Returns:
        Exit code for the process.
    """
    lab = Lab.open(paths, listeners)
    isolation.enter(
        keep_visible=[Path(folder) for folder in lab.spec.keep_visible], resolver=paths.config / "resolv.conf"
    )
    paths.inner_kubeconfig.write_text(pki.kubeconfig(paths.pki, "admin"))
    supervisor = Supervisor(lab, [parts.REGISTRY[name] for name in lab.spec.parts])
    signal.signal(signal.SIGTERM, lambda *_: supervisor.stopping.set())
    code = supervisor.run()
    sys.stdout.flush()
    return code


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-_TAIL_LINES:])
