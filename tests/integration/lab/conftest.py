"""Labs for the tests of the lab itself: each with a home of its own, so that nobody else's is touched."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shipway_lab import prerequisites
from shipway_lab.errors import MissingPrerequisiteError

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class LabUnderTest:
    """A lab by its name, driven by its command line as a user does."""

    name: str
    home: Path
    checkout: Path = ROOT

    def call(self, command: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        line, env = self.line(command, *words)
        done = subprocess.run(line, env=env, cwd=self.home, capture_output=True, text=True, check=False, timeout=900)
        assert not check or done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
        return done

    def line(self, command: str, *words: str) -> tuple[list[str], dict[str, str]]:
        """The command line, and the environment to run it in."""
        env = {**os.environ, "SHIPWAY_LAB_HOME": str(self.home), "PYTHONPATH": str(self.checkout / "lab")}
        return [sys.executable, "-m", "shipway_lab", command, "--name", self.name, *words], env

    def up(self, *words: str) -> None:
        self.call("up", *words)

    def down(self) -> None:
        self.call("down")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.call("status", "-o", "json").stdout)
        return found

    def kubectl(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        line = ["kubectl", f"--kubeconfig={self.state / 'kubeconfig'}", *words]
        done = subprocess.run(line, input=stdin, capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, f"kubectl {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *objects: dict[str, Any]) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def processes(self, part: str) -> list[int]:
        """Ids of a part's processes."""
        return [
            int(pid)
            for group in self.kept["cgroups"]
            for file in Path(group).glob(f"parts/{part}/cgroup.procs")
            for pid in file.read_text().split()
        ]

    @property
    def state(self) -> Path:
        return self.home / self.name

    @property
    def kept(self) -> dict[str, Any]:
        """Process ids and cgroups of the running lab."""
        kept: dict[str, Any] = json.loads((self.state / "keeper.json").read_text())
        return kept


def remains(lab: LabUnderTest, cgroups: list[str], port: int) -> list[str]:
    """Everything of a lab that is still on this machine."""
    left = [f"cgroup {group}" for group in cgroups if Path(group).exists()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(lab.state) in words:
            left.append(f"process {process.name}: {words[:100]}")
    left += [f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(lab.home) in line]
    files = (Path(folder) / name for folder, _, names in os.walk(lab.home) for name in names)
    left += [f"socket {file}" for file in files if file.is_socket()]
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            left.append(f"listener on port {port}")
    return left


def eventually(condition: Callable[[], bool], what: Callable[[], Any], *, seconds: float = 15.0) -> None:
    """Wait until the condition holds; `what` says how things stand if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds:.0f} s: {what()}"
        time.sleep(0.1)


def pod(name: str, image: str, command: list[str] | None, *, namespace: str, **spec: Any) -> dict[str, Any]:
    """A pod as the standard `restricted` wants it, with a read-only root and its own /tmp."""
    container: dict[str, Any] = {
        "name": "main",
        "image": image,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    if command:
        container["command"] = command
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
            **spec,
        },
    }


def restricted_namespace(name: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.fixture(scope="session")
def able() -> None:
    """This machine can run a lab. CI must be such a machine."""
    try:
        prerequisites.check()
    except MissingPrerequisiteError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def lab(able: None, tmp_path: Path) -> Iterator[LabUnderTest]:
    """A lab that is not up yet, and is down afterwards."""
    made = LabUnderTest("one", tmp_path / "home")
    made.home.mkdir()
    yield made
    made.call("down", check=False)


@pytest.fixture(scope="module")
def plain_lab(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """A control plane for tests that leave it running."""
    made = LabUnderTest("plain", tmp_path_factory.mktemp("home"))
    made.up("--no-node")
    yield made
    made.down()


@pytest.fixture(scope="session")
def full_lab(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """A lab with every part, run from a copy of the checkout below the folder for temporary files."""
    checkout = tmp_path_factory.mktemp("checkout")
    assert Path("/tmp") in checkout.parents
    for folder in ("lab", "operator", "workloads", "requirements"):
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (checkout, *checkout.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    (checkout / "operator" / "shipway" / "marker.py").write_text("TEXT = 'from the copy'\n")
    made = LabUnderTest("full", tmp_path_factory.mktemp("home"), checkout)
    made.up("--with", "demo,kwok", "--fake-nodes", "2")
    yield made
    made.down()
