"""A lab begins and ends without a trace on the host, whatever ends it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from .conftest import LabUnderTest, eventually, remains


def host() -> dict[str, Any]:
    """What a lab must not change."""
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "addresses": subprocess.check_output(["ip", "-brief", "address"], text=True),
        "routes": subprocess.check_output(["ip", "route"], text=True),
        "resolver": Path("/etc/resolv.conf").read_text(),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "folders": {
            folder: sorted(file.name for file in Path(folder).iterdir())
            for folder in ("/run", "/var/lib", "/var/log", "/etc")
        },
        "apt": {str(file): file.stat().st_mtime_ns for file in Path("/var/lib/apt/lists").glob("*")},
    }


def test_the_host_is_as_before_while_a_lab_runs_and_after_it(lab: LabUnderTest) -> None:
    before = host()
    lab.up("--no-node")
    assert host() == before
    lab.down()
    assert host() == before


def kill(*names: str) -> Callable[[LabUnderTest], None]:
    def do(lab: LabUnderTest) -> None:
        kept = lab.kept
        for name in names:
            os.kill(kept[name], signal.SIGKILL)

    return do


def kill_supervisor(lab: LabUnderTest) -> None:
    init = lab.kept["init"]
    children = Path(f"/proc/{init}/task/{init}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)


def kill_part(lab: LabUnderTest, part: str) -> None:
    for pid in lab.processes(part):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "end",
    [LabUnderTest.down, kill("keeper"), kill("init"), kill_supervisor],
    ids=["down", "keeper killed", "process 1 killed", "supervisor killed"],
)
def test_nothing_is_left(lab: LabUnderTest, end: Callable[[LabUnderTest], None]) -> None:
    lab.up("--no-node")
    status = lab.status()
    port, cgroups = int(status["api"].rsplit(":", 1)[1]), lab.kept["cgroups"]
    assert len(remains(lab, cgroups, port)) > len(cgroups)
    end(lab)
    eventually(lambda: not remains(lab, cgroups, port), lambda: remains(lab, cgroups, port))
    assert lab.call("status", check=False).returncode == 1


def test_down_does_the_work_of_a_keeper_and_a_sweeper_that_were_both_killed(lab: LabUnderTest) -> None:
    lab.up("--no-node")
    port, cgroups = int(lab.status()["api"].rsplit(":", 1)[1]), lab.kept["cgroups"]
    kill("sweeper", "keeper")(lab)
    eventually(
        lambda: all("cgroup" in each for each in remains(lab, cgroups, port)), lambda: remains(lab, cgroups, port)
    )
    assert remains(lab, cgroups, port), "nobody is left who could have removed the cgroups"
    assert "is down" in lab.call("down").stdout
    assert remains(lab, cgroups, port) == []


@pytest.mark.parametrize("killed", [("keeper",), ("sweeper", "keeper")], ids=["being swept", "nobody sweeps"])
def test_up_right_after_a_kill_starts_afresh(lab: LabUnderTest, killed: tuple[str, ...]) -> None:
    lab.up("--no-node")
    lab.kubectl("create", "namespace", "old")
    kill(*killed)(lab)
    lab.up("--no-node")
    assert "old" not in lab.kubectl("get", "namespaces")


def test_a_second_up_waits_for_a_lab_that_is_only_just_coming_up(lab: LabUnderTest) -> None:
    with ThreadPoolExecutor() as pool:
        ups = [pool.submit(lab.up, "--no-node") for _ in range(2)]
        wait(ups, return_when=FIRST_COMPLETED)
        assert lab.status()["ready"]
    assert all(up.result() is None for up in ups)
    assert lab.status()["ready"]


def test_an_up_that_is_terminated_takes_its_lab_along(lab: LabUnderTest) -> None:
    command, env = lab.line("up", "--no-node")
    with subprocess.Popen(command, env=env, cwd=lab.home, stderr=subprocess.DEVNULL) as starting:
        eventually((lab.state / "keeper.json").exists, lambda: "no keeper")
        cgroups = lab.kept["cgroups"]
        starting.terminate()
    assert starting.returncode == 130
    assert not any(Path(cgroup).exists() for cgroup in cgroups)


def test_a_part_that_keeps_dying_ends_the_lab_with_its_last_words(lab: LabUnderTest) -> None:
    lab.up("--no-node")
    cgroup = Path(lab.kept["cgroups"][0])
    deadline = time.monotonic() + 30
    while cgroup.exists() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            kill_part(lab, "scheduler")
        time.sleep(0.2)
    eventually(lambda: lab.call("status", check=False).returncode == 1, lambda: "still up")
    said = lab.call("status", check=False).stderr
    assert "scheduler: kube-scheduler ended 4 times within 60 s, last with code -9" in said


def test_a_port_that_is_taken_is_refused_if_asked_for(lab: LabUnderTest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = lab.call("up", "--no-node", "--api-port", str(port), check=False)
    assert refused.returncode == 1
    assert f"--api-port {port}: Address already in use" in refused.stderr
