"""A process number on file is no proof: the process may be another one by now."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from shipway_lab import jsonfile, keeper
from shipway_lab.kubeapi import KubeApi
from shipway_lab.lab import Lab
from shipway_lab.paths import LabPaths
from shipway_lab.processes import Processes
from shipway_lab.spec import LabSpec


def test_a_keeper_is_known_by_its_lab(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    assert keeper.running(paths) is None
    jsonfile.write(paths.keeper, {"keeper": os.getpid(), "cgroups": []})
    assert keeper.running(paths) is None, "this test is no keeper"
    line = [sys.executable, "-c", "input(chr(10))", str(paths.root)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        process.stdout.read(1)  # only now is its command line surely there
        jsonfile.write(paths.keeper, {"keeper": process.pid, "cgroups": []})
        assert keeper.running(paths) == process.pid
        process.communicate(b"\n")
    assert keeper.running(paths) is None


def test_a_program_two_parts_place_at_once_is_always_whole(tmp_path: Path) -> None:
    lab = _lab(tmp_path)
    lab.paths.bin.mkdir()
    seen: list[tuple[str, int]] = []

    def place_and_look() -> None:
        for _ in range(100):
            lab.script("tool", "whole")
            tool = lab.paths.bin / "tool"
            seen.append((tool.read_text(), tool.stat().st_mode & 0o777))

    threads = [threading.Thread(target=place_and_look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {("whole", 0o755)}
    assert [file.name for file in lab.paths.bin.iterdir()] == ["tool"]


def _lab(folder: Path) -> Lab:
    spec = LabSpec(name="x", parts=(), ports={}, artifacts={}, sources={}, python_prefix="/usr", keep_visible=())
    return Lab(
        spec=spec,
        paths=LabPaths(folder),
        processes=Processes(folder, {}),
        api=KubeApi.__new__(KubeApi),
        listeners={},
    )
