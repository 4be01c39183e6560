"""What an artifact is made from decides its name in the cache."""

import dataclasses
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway_lab import paths
from shipway_lab.artifacts import debian, golang, tool
from shipway_lab.artifacts.golang import GoBinary, GoModuleManifests
from shipway_lab.artifacts.progress import Step
from shipway_lab.artifacts.virtualenv import VirtualEnvironment
from shipway_lab.errors import LabError

BINARY = GoBinary("pause", "kube", "./cmd/pause")


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Go modules that a test may change."""
    monkeypatch.setattr(golang, "_go_version", lambda: "go1.26")
    copy = tmp_path / "go"
    shutil.copytree(paths.go_modules(), copy)
    monkeypatch.setattr(paths, "go_modules", lambda: copy)
    return copy


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "cmd/pause/main.go"])
def test_a_binary_is_built_anew_when_an_input_changes(modules: Path, file: str) -> None:
    before = BINARY.key()
    changed = modules / "kube" / file
    changed.write_text(changed.read_text() + "\n// changed\n")
    assert BINARY.key() != before


def test_a_binary_is_not_built_anew_when_another_one_changes(modules: Path) -> None:
    before = BINARY.key()
    other = modules / "kube" / "cmd" / "hk" / "main.go"
    other.write_text(other.read_text() + "\n// changed\n")
    assert BINARY.key() == before


def test_a_binary_is_built_anew_for_other_flags_or_another_compiler(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = BINARY.key()
    assert dataclasses.replace(BINARY, variables=(("main.version", "2"),)).key() != before
    monkeypatch.setattr(golang, "_go_version", lambda: "go1.27")
    assert BINARY.key() != before


def test_manifests_depend_on_the_versions_and_the_patterns(modules: Path) -> None:
    some = GoModuleManifests("crds", "kserve", "github.com/kserve/kserve", ("config/crd/*.yaml",))
    before = some.key()
    assert dataclasses.replace(some, files=("config/*.yaml",)).key() != before
    (modules / "kserve" / "go.mod").write_text("module other\n")
    assert some.key() != before


def test_an_environment_is_built_anew_when_its_lock_or_import_path_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "checkout", lambda: tmp_path)
    (tmp_path / "lock.txt").write_text("a==1\n")
    environment = VirtualEnvironment("operator", ("lock.txt",), source_path="/opt/src")
    before = environment.key()
    assert dataclasses.replace(environment, source_path="/opt/other").key() != before
    (tmp_path / "lock.txt").write_text("a==2\n")
    assert environment.key() != before


def test_apt_sources_are_read_in_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(
        "# deb http://commented.example/debian old main\n"
        "deb [arch=amd64 signed-by=/key.gpg] http://one.example/debian trixie main contrib\n"
    )
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\n# a comment\nURIs: http://two.example/debian\nSuites: bookworm bookworm-updates\n\n"
        "Types: deb-src\nURIs: http://three.example/debian\nSuites: bookworm\n"
    )
    assert list(debian.sources(tmp_path)) == [
        ("http://one.example/debian", ["trixie"]),
        ("http://two.example/debian", ["bookworm", "bookworm-updates"]),
    ]


def test_another_system_than_debian_is_told_its_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "fedora", "PRETTY_NAME": "Fedora 44"})
    packages = debian.DebianPackages("node", newest=(), release=())
    with pytest.raises(LabError, match=r"this is Fedora 44 .*: use --provider existing or kind"):
        packages.build(tmp_path / "target", Step("node", 1, 0))


def test_a_failed_tool_is_named_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"exit code 3: sh -c .*\n.*so it goes"):
        tool.run(["sh", "-c", "echo so it goes >&2; exit 3"], cwd=tmp_path)


def test_a_missing_tool_is_named_with_what_it_was_for(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-such-tool is not installed, needed for: no-such-tool --now"):
        tool.run(["no-such-tool", "--now"], cwd=tmp_path)


def test_tools_that_others_wait_for_can_be_ended_with_all_they_started(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(tool.run, ["sh", "-c", "sleep 60 & echo $! > child; wait"], cwd=tmp_path)
        child = tmp_path / "child"
        while not child.exists() or not child.read_text().strip():
            time.sleep(0.01)
        tool.stop_all()
        with pytest.raises(LabError, match="exit code -15"):
            waiting.result(timeout=5)
    deadline = time.monotonic() + 30
    while _lives(child.read_text().strip()):
        assert time.monotonic() < deadline, "what the tool started outlives it"
        time.sleep(0.01)


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
