"""The running lab as a part sees it from inside."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shipway_lab.addresses import API_URL
from shipway_lab.kubeapi import KubeApi
from shipway_lab.paths import LabPaths
from shipway_lab.processes import Processes
from shipway_lab.spec import LabSpec

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Lab:
    """What a part may use.

    Attributes:
        spec: What was asked for.
        paths: The lab's state folder.
        processes: Starts and stops processes.
        api: Client of the lab's apiserver, as administrator.
        listeners: File descriptors of the sockets that listen on the host, by forwarded service.
    """

    spec: LabSpec
    paths: LabPaths
    processes: Processes
    api: KubeApi
    listeners: dict[str, int]

    @classmethod
    def open(cls, paths: LabPaths, listeners: dict[str, int]) -> Lab:
        """The lab whose state lies in `paths`; its certificates exist already."""
        spec = LabSpec.load(paths.spec)
        assert spec is not None, f"no {paths.spec}"
        env = {name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ}
        return cls(
            spec=spec,
            paths=paths,
            processes=Processes(paths.logs, {**env, "PATH": f"{paths.bin}:{_SYSTEM_PATH}"}),
            api=KubeApi(API_URL, paths.pki),
            listeners=listeners,
        )

    def artifact(self, name: str) -> Path:
        """Where an artifact lies in the cache."""
        return Path(self.spec.artifacts[name])

    def folder(self, name: str) -> Path:
        """A folder for a part's data, made if need be."""
        folder = self.paths.data / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write(self, name: str, content: str) -> Path:
        """Write a configuration file and return its path."""
        file = self.paths.config / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def link(self, name: str, target: Path) -> None:
        """Make a program callable by name for every part."""
        with self._placed(name) as draft:
            draft.symlink_to(target)

    def script(self, name: str, content: str) -> None:
        """Make a shell script callable by name for every part."""
        with self._placed(name) as draft:
            draft.write_text(content)
            draft.chmod(0o755)

    @contextlib.contextmanager
    def _placed(self, name: str) -> Iterator[Path]:
        """A draft that takes its place in one step: another part may be calling the program, or placing it too."""
        draft = self.paths.bin / f".{name}.{threading.get_ident()}"
        yield draft
        draft.replace(self.paths.bin / name)
