"""The content-addressed cache: an entry is named by everything that went into it and checked before it is used."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shipway_lab import jsonfile
from shipway_lab.artifacts.progress import Progress, Step
from shipway_lab.errors import LabError

_KEY_DIGITS = 16


class Artifact(Protocol):
    """Something the cache can make."""

    @property
    def name(self) -> str:
        """Unique among the artifacts of the lab."""

    @property
    def folder(self) -> str:
        """Which folder of the cache it lives in."""

    @property
    def usual_seconds(self) -> float:
        """Time of the first build on two cores; replaced by what this machine measured."""

    def key(self) -> str:
        """Hex digest over everything that decides the result."""

    def build(self, target: Path, step: Step) -> None:
        """Make the file or folder `target`, which does not exist yet."""


@dataclass(frozen=True)
class Cache:
    """A folder of entries `KIND/NAME-KEY`, each with its digest beside it."""

    root: Path

    def path(self, artifact: Artifact) -> Path:
        """Where the artifact's entry lies or would lie."""
        return self.root / artifact.folder / f"{artifact.name}-{artifact.key()[:_KEY_DIGITS]}"

    def find(self, artifact: Artifact) -> Path | None:
        """The entry if it is there and undamaged. Removes nothing: another process may be replacing it right now."""
        entry = self.path(artifact)
        try:
            return entry if _digest_file(entry).read_text().strip() == digest(entry) else None
        except OSError:
            return None

    def ensure(self, artifact: Artifact, progress: Progress) -> Path:
        """The undamaged entry, built first where needed. Two processes never build the same entry at once.

        Raises:
            LabError: The build failed; the message ends with what the tool said.
        """
        entry = self.path(artifact)
        entry.parent.mkdir(parents=True, exist_ok=True)
        with self._lock(artifact.name):
            found = self.find(artifact)
            if found:
                return found
            with progress.step(artifact.name, self._expected_seconds(artifact)) as step:
                self._build(artifact, entry, step)
        return entry

    def missing(self, artifacts: list[Artifact]) -> list[Artifact]:
        """Those that a command would have to build, in their order."""
        return [artifact for artifact in artifacts if not self.find(artifact)]

    def expected_seconds(self, artifacts: list[Artifact]) -> float:
        """Estimate for building them one after another, in seconds."""
        return sum(self._expected_seconds(artifact) for artifact in artifacts)

    def _build(self, artifact: Artifact, entry: Path, step: Step) -> None:
        draft = entry.with_name(f".{entry.name}.draft")
        for stale in entry.parent.glob(f".{artifact.name}-{'[0-9a-f]' * _KEY_DIGITS}.draft"):
            remove(stale)  # Of a build that was killed, perhaps of another version.
        remove(entry)
        started = time.monotonic()
        try:
            artifact.build(draft, step)
            if not os.path.lexists(draft):
                raise LabError(f"{artifact.name}: the build ended without making {draft}")
            recorded = digest(draft)
            draft.rename(entry)
            _digest_file(entry).write_text(recorded + "\n")
        finally:
            remove(draft)
        self._record_seconds(artifact, time.monotonic() - started)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _expected_seconds(self, artifact: Artifact) -> float:
        return float((jsonfile.read(self._timings) or {}).get(artifact.name, artifact.usual_seconds))

    def _record_seconds(self, artifact: Artifact, seconds: float) -> None:
        # A rebuild on a warm compiler cache says nothing about the next cold one: keep the longest seen.
        with self._lock("timings"):
            timings = jsonfile.read(self._timings) or {}
            timings[artifact.name] = round(max(seconds, timings.get(artifact.name, 0.0)), 1)
            jsonfile.write(self._timings, timings)

    @property
    def _timings(self) -> Path:
        return self.root / "timings.json"


def digest(entry: Path) -> str:
    """SHA-256 of a file's content, or of a folder's listing (names, sizes, modes, link targets)."""
    if entry.is_file():
        with entry.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    listing = hashlib.sha256()
    for line in sorted(_listing(entry, "")):
        listing.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return listing.hexdigest()


def remove(entry: Path) -> None:
    """Delete an entry and its digest, whatever it is; nothing happens if it is not there."""
    _digest_file(entry).unlink(missing_ok=True)
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


def _digest_file(entry: Path) -> Path:
    return entry.with_name(entry.name + ".sha256")


def _listing(folder: Path, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.is_symlink():
                yield f"{name} -> {os.readlink(entry.path)}"  # noqa: PTH115
            elif entry.is_dir():
                yield f"{name}/"
                yield from _listing(Path(entry.path), f"{name}/")
            else:
                stat = entry.stat(follow_symlinks=False)
                yield f"{name} {stat.st_size} {stat.st_mode:o}"
