"""Where the lab keeps things: state per lab, one cache for all of them, and the checkout whose code it runs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from shipway_lab.errors import LabError

_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")


def checkout() -> Path:
    """The repository this package was imported from."""
    return Path(__file__).resolve().parents[2]


def go_modules() -> Path:
    """The folder of the lab's Go modules.

    Raises:
        LabError: The package runs from somewhere other than a checkout.
    """
    folder = checkout() / "lab" / "go"
    if not folder.is_dir():
        raise LabError(f"no Go modules at {folder}: the lab runs from a checkout of the repository, not from a wheel")
    return folder


def cache_home() -> Path:
    """Everything that can be built again: binaries, packages, virtual environments, images."""
    given = os.environ.get("SHIPWAY_CACHE")
    return Path(given).absolute() if given else Path.home() / ".cache" / "shipway"


def lab_home() -> Path:
    """The folder that holds one state folder per lab."""
    given = os.environ.get("SHIPWAY_LAB_HOME")
    return Path(given).absolute() if given else Path.home() / ".local" / "state" / "shipway" / "lab"


@dataclass(frozen=True)
class LabPaths:
    """The state folder of one lab. Thrown away by the next `up` of the same name."""

    root: Path

    @classmethod
    def of(cls, name: str) -> LabPaths:
        """Paths of the lab called `name`.

        Raises:
            LabError: The name is not a DNS label of at most 32 characters.
        """
        if not _NAME.match(name):
            raise LabError(f"--name {name!r}: a lab's name has 1 to 32 characters a-z, 0-9 and '-', as in 'default'")
        return cls(lab_home() / name)

    @property
    def pki(self) -> Path:
        """Certificates and keys, made anew by every `up`."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """Configuration files of the parts."""
        return self.root / "config"

    @property
    def data(self) -> Path:
        """What the parts store: etcd, containerd, objects."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One file per process, and the audit log."""
        return self.root / "log"

    @property
    def bin(self) -> Path:
        """Links to the binaries, first in every part's PATH."""
        return self.root / "bin"

    @property
    def kubeconfig(self) -> Path:
        """For the host: the API through the listener on 127.0.0.1."""
        return self.root / "kubeconfig"

    @property
    def inner_kubeconfig(self) -> Path:
        """For processes inside the lab: the API at the node's address, as administrator."""
        return self.config / "admin.kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Every write to the API, one JSON object per line."""
        return self.logs / "audit.log"

    @property
    def lock(self) -> Path:
        """Held by the keeper for as long as anything of the lab lives; kept outside the state that `up` deletes."""
        return self.root.parent / f".{self.root.name}.lock"

    @property
    def spec(self) -> Path:
        """What `up` was asked for."""
        return self.root / "spec.json"

    @property
    def power(self) -> Path:
        """One file per node that somebody switched off, on, or holds still."""
        return self.root / "power"

    @property
    def keeper(self) -> Path:
        """Process ids and cgroups, as the host sees them."""
        return self.root / "keeper.json"

    @property
    def progress(self) -> Path:
        """The state of each part, as the supervisor sees it."""
        return self.root / "parts.json"
