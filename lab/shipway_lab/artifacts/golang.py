"""Binaries and files out of the Go modules under `lab/go`."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shipway_lab import paths
from shipway_lab.artifacts import tool
from shipway_lab.artifacts.progress import Step

# Static binaries without the paths and revisions of this machine: the same everywhere, and they run in any namespace.
_ENVIRONMENT = {"GOWORK": "off", "CGO_ENABLED": "0", "GOFLAGS": ""}
_FLAGS = ("-trimpath", "-buildvcs=false", "-p", "2")
# A compile must not starve what else runs on a small machine.
_NICE = ("nice", "-n", "5")


@dataclass(frozen=True)
class GoBinary:
    """An executable of one Go module.

    Attributes:
        name: Name of the binary.
        module: Folder of the module under `lab/go`.
        package: Package to build, an import path or a path in the module.
        variables: Values for the linker to put into string variables, by import path and name.
        usual_seconds: Time of a cold build on two cores.
    """

    name: str
    module: str
    package: str
    variables: tuple[tuple[str, str], ...] = ()
    usual_seconds: float = 120.0
    folder: str = "bin"

    def key(self) -> str:
        """Digest over the compiler, the package's files, the versions of what it imports, and the flags."""
        inputs = (_go_version(), _digest(self.module, self.package), self.package, self._linker_flags(), *_FLAGS)
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()

    def build(self, target: Path, step: Step) -> None:
        """Compile. Interrupted builds go on where they were, thanks to Go's own build cache."""
        compiled = 0

        def count(_: str) -> None:
            nonlocal compiled
            compiled += 1
            step.detail = f"{compiled} packages compiled"

        build: list[str | Path] = [*_NICE, "go", "build", "-v", *_FLAGS, "-ldflags", self._linker_flags()]
        module = paths.go_modules() / self.module
        tool.run([*build, "-o", target, self.package], cwd=module, env=_ENVIRONMENT, on_line=count)

    def _linker_flags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in self.variables)])


@dataclass(frozen=True)
class GoModuleManifests:
    """Kubernetes objects out of the folder of a Go module we depend on, as one JSON list.

    They come from the very version that is built, are never copied into this repository, and JSON is what the
    apiserver reads fastest.

    Attributes:
        name: Name of the list.
        module: Folder of our module under `lab/go`.
        dependency: Path of the module that holds the files.
        files: Patterns relative to the dependency's folder, applied in this order.
        usual_seconds: Time for reading them.
    """

    name: str
    module: str
    dependency: str
    files: tuple[str, ...]
    usual_seconds: float = 5.0
    folder: str = "manifests"

    def key(self) -> str:
        """Digest over the versions in the module and the patterns."""
        inputs = (_digest(self.module), self.dependency, *self.files)
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()

    def build(self, target: Path, step: Step) -> None:
        """Download the dependency if need be and read its files.

        Raises:
            FileNotFoundError: A pattern matches nothing in this version of the dependency.
        """
        module = paths.go_modules() / self.module
        tool.run(["go", "mod", "download", self.dependency], cwd=module, env=_ENVIRONMENT)
        listed = tool.run(["go", "list", "-m", "-f", "{{.Dir}}", self.dependency], cwd=module, env=_ENVIRONMENT)
        root = Path(listed.strip())
        objects: list[dict[str, Any]] = []
        for pattern in self.files:
            matches = sorted(file for file in root.glob(pattern) if file.name != "kustomization.yaml")
            if not matches:
                raise FileNotFoundError(f"{self.dependency} has no file {pattern} in {root}")
            for file in matches:
                step.detail = file.name
                objects += _read(file)
        target.write_text(json.dumps(objects))


def _read(file: Path) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(file.read_text(), Loader=loader) if document]


@functools.cache
def _go_version() -> str:
    return tool.run(["go", "env", "GOVERSION", "GOOS", "GOARCH"], cwd=Path(os.sep), env=_ENVIRONMENT)


def _digest(module: str, package: str = "") -> str:
    """Over the module's versions and checksums, and the files of a package that lies in the module itself."""
    folder = paths.go_modules() / module
    sources = sorted((folder / package).glob("*.go")) if package.startswith("./") else []
    digest = hashlib.sha256()
    for file in (folder / "go.mod", folder / "go.sum", *sources):
        digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()
