"""Processor time and memory of the control plane's processes, read from /proc on the host."""

import contextlib
import json
import os
import resource
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reading:
    """Processor seconds since each process began, and of the whole machine.

    Attributes:
        cpu: By part.
        machine: All work of all processes on the machine.
        driver: Of this process.
    """

    cpu: dict[str, float]
    machine: float
    driver: float

    def since(self, earlier: "Reading") -> dict[str, float]:
        """Processor seconds by part between two readings; `others` is foreign work on the same machine."""
        spent = {part: self.cpu[part] - earlier.cpu.get(part, 0.0) for part in self.cpu}
        driver = self.driver - earlier.driver
        others = self.machine - earlier.machine - driver - sum(spent.values())
        return {name: round(value, 2) for name, value in {**spent, "driver": driver, "others": others}.items()}


class Meter:
    """Reads the parts of a lab and, while it runs, the operator.

    Args:
        keeper: The lab's `keeper.json`, which names its cgroups.
    """

    def __init__(self, keeper: Path) -> None:
        groups = json.loads(keeper.read_text())["cgroups"]
        self._parts = next(Path(group) for group in groups if "/pids/" in group) / "parts"
        self.operators: list[int] = []
        """Process ids of our operators."""

    def read(self) -> Reading:
        """Now."""
        cpu = {part: sum(map(_cpu, pids)) for part, pids in self._pids().items()}
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return Reading(cpu, _machine(), usage.ru_utime + usage.ru_stime)

    def busiest_operator(self) -> float:
        """Processor seconds of the one of our operators that has used most."""
        return max(map(_cpu, self.operators))

    def forget_peaks(self) -> None:
        """Let peak memory be counted from here on."""
        for pid in (pid for pids in self._pids().values() for pid in pids):
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peaks(self) -> dict[str, int]:
        """Peak resident memory in MiB by part."""
        return {part: sum(map(_peak_mib, pids)) for part, pids in self._pids().items()}

    def _pids(self) -> dict[str, list[int]]:
        found = {folder.name: _members(folder) for folder in sorted(self._parts.iterdir()) if folder.is_dir()}
        return {**found, "operator": self.operators} if self.operators else found


def _members(folder: Path) -> list[int]:
    return [int(word) for word in (folder / "cgroup.procs").read_text().split()]


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _peak_mib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _machine() -> float:
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICK
