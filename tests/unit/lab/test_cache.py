"""The cache builds once, notices damage, and never shows a half-built entry."""

import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shipway_lab.artifacts import tool
from shipway_lab.artifacts.cache import Cache, digest, remove
from shipway_lab.artifacts.lanes import ensure_all
from shipway_lab.artifacts.progress import Progress, Step, duration
from shipway_lab.errors import LabError


def write_file(target: Path) -> None:
    target.write_bytes(b"binary" * 1000)


def write_folder(target: Path) -> None:
    (target / "bin").mkdir(parents=True)
    (target / "bin" / "tool").write_text("tool")
    (target / "link").symlink_to("bin/tool")


@dataclass
class Made:
    """An artifact that counts how often it was built."""

    make: Callable[[Path], None] = write_file
    name: str = "tool"
    folder: str = "bin"
    usual_seconds: float = 1.0
    version: str = "1" * 64
    builds: list[Path] = field(default_factory=list)

    def key(self) -> str:
        return self.version

    def build(self, target: Path, step: Step) -> None:
        self.builds.append(target)
        self.make(target)


def quiet() -> Progress:
    return Progress(stream=io.StringIO())


either_kind = pytest.mark.parametrize("make", [write_file, write_folder], ids=["file", "folder"])


@either_kind
def test_a_second_request_builds_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    artifact, cache = Made(make), Cache(tmp_path)
    assert cache.ensure(artifact, quiet()) == cache.ensure(artifact, quiet())
    assert len(artifact.builds) == 1
    assert cache.missing([artifact]) == []


def test_another_version_is_another_entry(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = cache.ensure(Made(version="a" * 64), quiet())
    second = cache.ensure(Made(version="b" * 64), quiet())
    assert first != second
    assert first.exists()


def _flip_a_byte(entry: Path) -> None:
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        _flip_a_byte,
        lambda entry: entry.write_bytes(entry.read_bytes()[:-1]),
        lambda entry: entry.write_bytes(b""),
        lambda entry: entry.unlink(),
        lambda entry: entry.with_name(entry.name + ".sha256").unlink(),
    ],
    ids=["one bit", "cut short", "empty", "gone", "no digest"],
)
def test_a_damaged_binary_is_noticed_and_built_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    artifact, cache = Made(), Cache(tmp_path)
    entry = cache.ensure(artifact, quiet())
    sound = entry.read_bytes()
    damage(entry)
    assert cache.missing([artifact]) == [artifact]
    assert cache.ensure(artifact, quiet()).read_bytes() == sound
    assert len(artifact.builds) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "bin" / "tool").unlink(),
        lambda entry: (entry / "bin" / "tool").write_text("tools"),
        lambda entry: (entry / "bin" / "tool").chmod(0o000),
        lambda entry: (entry / "more").touch(),
        lambda entry: (entry / "link").unlink(),
    ],
    ids=["file gone", "other size", "other mode", "file more", "link gone"],
)
def test_a_damaged_folder_is_noticed_and_built_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    artifact, cache = Made(write_folder), Cache(tmp_path)
    entry = cache.ensure(artifact, quiet())
    before = digest(entry)
    damage(entry)
    assert digest(cache.ensure(artifact, quiet())) == before
    assert len(artifact.builds) == 2


def test_whoever_only_looks_removes_nothing(tmp_path: Path) -> None:
    artifact, cache = Made(), Cache(tmp_path)
    entry = cache.ensure(artifact, quiet())
    _flip_a_byte(entry)
    assert cache.missing([artifact]) == [artifact]
    assert entry.exists(), "another process may be putting a sound one there right now"


def test_looking_while_another_process_builds_anew_finds_it_missing_or_sound(tmp_path: Path) -> None:
    artifact, cache = Made(write_folder), Cache(tmp_path)

    def build_again_and_again() -> None:
        for _ in range(50):
            remove(cache.ensure(artifact, quiet()))

    builder = threading.Thread(target=build_again_and_again)
    builder.start()
    found: set[Path | None] = set()
    while builder.is_alive():
        found.add(cache.find(artifact))
    assert found <= {None, cache.path(artifact)}
    assert len(artifact.builds) == 50


def test_an_interrupted_build_leaves_no_entry_and_the_next_one_starts_afresh(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def interrupted(target: Path) -> None:
        write_folder(target)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.ensure(Made(interrupted), quiet())
    artifact = Made(write_folder)
    assert cache.missing([artifact]) == [artifact]
    assert cache.ensure(artifact, quiet()).exists()


def test_what_a_killed_build_left_is_gone_after_the_next_one_even_of_another_version(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    left, others = (cache.path(Made(name=name, version="a" * 64)) for name in ("tool", "tool-more"))
    drafts = [entry.with_name(f".{entry.name}.draft") for entry in (left, others)]
    for draft in drafts:
        write_folder(draft)
    cache.ensure(Made(version="b" * 64), quiet())
    assert [draft.exists() for draft in drafts] == [False, True]


def test_a_build_that_makes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="tool: the build ended without making"):
        Cache(tmp_path).ensure(Made(lambda _: None), quiet())


def test_two_at_once_build_once(tmp_path: Path) -> None:
    def slowly(target: Path) -> None:
        time.sleep(0.2)
        write_file(target)

    artifact = Made(slowly)
    threads = [threading.Thread(target=Cache(tmp_path).ensure, args=(artifact, quiet())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(artifact.builds) == 1


def test_estimates_come_from_this_machine_once_it_has_built(tmp_path: Path) -> None:
    cache, artifact = Cache(tmp_path), Made(lambda target: (time.sleep(0.15), write_file(target))[1])
    artifact.usual_seconds = 300
    assert cache.expected_seconds([artifact]) == 300
    cache.ensure(artifact, quiet())
    assert 0.1 <= cache.expected_seconds([artifact]) < 30


def test_progress_says_how_far_it_is() -> None:
    step = Step("hk", expected_seconds=290, started=100.0, detail="812 packages compiled")
    assert step.line(173.0) == "hk: 73 s of about 4.8 min, 812 packages compiled"
    assert step.line(500.0) == "hk: 6.7 min of about 6.7 min, 812 packages compiled"
    assert duration(99) == "99 s"


def test_progress_off_a_terminal_is_whole_lines() -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream)
    with progress.shown(), progress.step("hk", 10):
        pass
    assert stream.getvalue().splitlines() == ["hk: about 10 s", "hk: done in 0 s"]


def test_compiling_and_downloading_go_side_by_side(tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(target: Path) -> None:
        meeting.wait()
        write_file(target)

    made = [Made(meet, name="compiled", folder="bin"), Made(meet, name="downloaded", folder="debs")]
    paths = ensure_all(Cache(tmp_path), list(made), quiet())
    assert {name: path.parent.name for name, path in paths.items()} == {"compiled": "bin", "downloaded": "debs"}
    assert set(json.loads((tmp_path / "timings.json").read_text())) == {"compiled", "downloaded"}


def test_a_build_that_fails_ends_the_other_one_at_once(tmp_path: Path) -> None:
    slow = Made(lambda _: tool.run(["sleep", "60"], cwd=tmp_path) and None, name="slow")
    broken = Made(lambda _: tool.run(["sh", "-c", "sleep 0.3; exit 7"], cwd=tmp_path) and None, name="x", folder="debs")
    started = time.monotonic()
    with pytest.raises(LabError, match="exit code 7"):
        ensure_all(Cache(tmp_path), [slow, broken], quiet())
    assert time.monotonic() - started < 10
