"""Virtual environments for the images, each built from its lock files alone."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from shipway_lab import paths
from shipway_lab.artifacts import tool
from shipway_lab.artifacts.progress import Step

_NICE = ("nice", "-n", "5")


@dataclass(frozen=True)
class VirtualEnvironment:
    """A virtual environment with exactly the locked packages, compiled, and our own code by reference.

    Attributes:
        name: Name of the environment.
        locks: Lock files with hashes, relative to the checkout. Nothing beyond them is installed, so a package that is
            there for its data brings no dependencies along.
        source_path: Folder inside the container that is put on the import path.
        usual_seconds: Time with an empty download cache.
    """

    name: str
    locks: tuple[str, ...]
    source_path: str
    usual_seconds: float = 60.0
    folder: str = "venvs"

    def key(self) -> str:
        """Digest over the interpreter, the locks and the import path."""
        digest = hashlib.sha256(f"{platform.python_version()}\0{sys.base_prefix}\0{self.source_path}".encode())
        for lock in self.locks:
            digest.update(b"\0" + (paths.checkout() / lock).read_bytes())
        return digest.hexdigest()

    def build(self, target: Path, step: Step) -> None:
        """Create the environment with hard links into uv's cache: little disk, little time."""

        def show(line: str) -> None:
            step.detail = line[:80]

        def uv(*arguments: str | Path) -> None:
            tool.run([*_NICE, "uv", "--no-progress", *arguments], cwd=paths.checkout(), on_line=show)

        python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        uv("venv", "--no-project", "--python", python, target)
        # Compiled now: containers see the environment read-only, so Python could not keep what it compiles there.
        sync = ("pip", "sync", "--link-mode", "hardlink", "--compile-bytecode", "--require-hashes")
        uv(*sync, "--python", target / "bin" / "python", *self.locks)
        packages = next((target / "lib").glob("python*")) / "site-packages"
        (packages / "shipway-sources.pth").write_text(self.source_path + "\n")
