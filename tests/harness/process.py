"""The real operator as a process against the lab, with its log captured."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from harness.lab import OPERATOR_NAMESPACE, Lab
from harness.leaks import operator_logs
from harness.waiting import HopelessError, eventually


class OperatorProcess:
    """One run of `python -m shipway.main`."""

    def __init__(
        self,
        lab: Lab,
        folder: Path,
        *,
        namespaces: list[str],
        server: str | None,
        env: dict[str, str],
        python: str = sys.executable,
    ) -> None:
        self._python = python
        self._kubeconfig = lab.operator_kubeconfig(folder, server=server)
        self._log = folder / f"operator-{time.monotonic_ns()}.log"
        operator_logs.add(self._log)
        self.http = f"http://127.0.0.1:{free_port()}"
        self.metrics = f"http://127.0.0.1:{free_port()}"
        self._env = os.environ | {
            "KUBECONFIG": str(self._kubeconfig),
            "SHIPWAY_NAMESPACES": ",".join(namespaces),
            "SHIPWAY_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
            "SHIPWAY_HTTP_PORT": self.http.rpartition(":")[2],
            "SHIPWAY_METRICS_PORT": self.metrics.rpartition(":")[2],
            "SHIPWAY_LOG_FORMAT": "plain",
            **env,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until it is ready."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._python, "-m", "shipway.main", env=self._env, stdout=log, stderr=log
            )
        await eventually(self._is_ready, within=30, what="operator ready")

    async def terminate(self) -> int:
        """SIGTERM; the exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """SIGKILL; the exit code."""
        return await self._end(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        return await self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id, once started."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def log(self) -> str:
        """Everything it has logged."""
        return self._log.read_text() if self._log.exists() else ""

    def rss_mib(self) -> float:
        """Its resident memory now."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of a GET on its HTTP port."""
        async with aiohttp.ClientSession() as session, session.get(self.http + path) as response:
            return response.status, await response.text()

    async def metric(self, name: str) -> float:
        """A metric as it is written, or the sum over all labels when named without."""
        async with aiohttp.ClientSession() as session, session.get(self.metrics + "/metrics") as response:
            lines = (await response.text()).splitlines()
        samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return sum(float(value) for series, _, value in samples if name in (series, series.partition("{")[0]))

    async def _is_ready(self) -> bool:
        if not self.running:
            raise HopelessError(f"the operator ended; its log:\n{self.log()}")
        return (await self.get("/readyz"))[0] == 200

    async def _end(self, number: int) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()


@asynccontextmanager
async def operator_process(
    lab: Lab,
    folder: Path,
    *,
    namespaces: list[str],
    server: str | None = None,
    python: str = sys.executable,
    **env: str,
) -> AsyncIterator[OperatorProcess]:
    """A ready operator process, killed in the end if it still runs.

    Args:
        lab: Where it works.
        folder: Where its kubeconfig and log go.
        namespaces: What it watches.
        server: Another address of the API server, such as a proxy's.
        python: The interpreter of the environment it runs in.
        env: Further variables.
    """
    process = OperatorProcess(lab, folder, namespaces=namespaces, server=server, python=python, env=env)
    try:
        await process.start()
        yield process
    finally:
        if process.running:
            await process.kill()


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
