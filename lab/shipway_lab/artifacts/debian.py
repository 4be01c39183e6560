"""Debian packages for the node, unpacked into the cache by a private apt; the host's apt is neither read nor changed.

Only the address of the mirror and the proxy settings are taken from the host. The packages of the moving suite (`sid`)
are newer than any release offers; they are checked against a minimum version instead of being pinned to one that the
mirror drops a week later.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shipway_lab.artifacts import tool
from shipway_lab.artifacts.progress import Step
from shipway_lab.errors import LabError

_MOVING_SUITE = "sid"
_SOURCES = Path("/etc/apt")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class DebianPackages:
    """A folder with the unpacked packages.

    Attributes:
        name: Name of the folder.
        newest: Packages from the moving suite, each with the oldest version that will do.
        release: Packages from the host's own release, whose libraries fit its libc.
        usual_seconds: Time for download and unpacking.
    """

    name: str
    newest: tuple[tuple[str, str], ...]
    release: tuple[str, ...]
    usual_seconds: float = 30.0
    folder: str = "debs"

    def key(self) -> str:
        """Digest over the host's release and the lists."""
        inputs = (_codename(), repr(self.newest), repr(self.release))
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()

    def build(self, target: Path, step: Step) -> None:
        """Download and unpack.

        Raises:
            LabError: The host is no Debian, a package cannot be had, or the mirror offers an older one.
        """
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".apt-") as scratch:
            apt = _PrivateApt(Path(scratch))
            step.detail = "reading the package lists"
            apt.update()
            step.detail = "downloading"
            apt.download(
                [f"{name}/{_MOVING_SUITE}" for name, _ in self.newest]
                + [f"{name}/{_codename()}" for name in self.release]
            )
            self._check_versions(apt.downloads)
            target.mkdir()
            for package in sorted(apt.downloads.glob("*.deb")):
                step.detail = f"unpacking {package.name.split('_')[0]}"
                tool.run(["dpkg-deb", "-x", package, target], cwd=target)

    def _check_versions(self, downloads: Path) -> None:
        for name, oldest in self.newest:
            file = next(downloads.glob(f"{name}_*.deb"))
            version = tool.run(["dpkg-deb", "-f", file, "Version"], cwd=downloads).strip()
            if subprocess.run(["dpkg", "--compare-versions", version, "ge", oldest], check=False).returncode:
                raise LabError(f"{name}: the mirror has {version}, the lab needs {oldest} or newer")


class _PrivateApt:
    """An apt of our own: lists, cache, state and sources in a scratch folder."""

    def __init__(self, root: Path) -> None:
        self.downloads = root / "downloads"
        for folder in ("lists/partial", "cache/archives/partial", "state", "downloads"):
            (root / folder).mkdir(parents=True)
        (root / "status").touch()
        sources = root / "sources.list"
        sources.write_text("".join(_source_lines()))
        self._options: list[str] = []
        for option in (
            f"Dir::State={root}/state",
            f"Dir::State::Lists={root}/lists",
            f"Dir::State::status={root}/status",
            f"Dir::Cache={root}/cache",
            f"Dir::Etc::SourceList={sources}",
            "Dir::Etc::SourceParts=-",
            "Dir::Etc::Preferences=-",
            "Dir::Etc::PreferencesParts=-",
            "Acquire::Languages=none",
            # The sandbox user could not enter a folder below root's home.
            "APT::Sandbox::User=root",
        ):
            self._options += ["-o", option]

    def update(self) -> None:
        tool.run(["apt-get", *self._options, "-q", "update"], cwd=self.downloads)

    def download(self, packages: list[str]) -> None:
        tool.run(["apt-get", *self._options, "-q", "download", *packages], cwd=self.downloads)


def _codename() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def _source_lines() -> Iterator[str]:
    release, codename = platform.freedesktop_os_release(), _codename()
    mirror = next((uri for uri, suites in sources(_SOURCES) if codename in suites), None)
    if release.get("ID") != "debian" or mirror is None or not shutil.which("dpkg-deb"):
        raise LabError(
            f"the node's packages come from Debian, and this is {release.get('PRETTY_NAME', 'another system')} "
            f"without an apt source for {codename or 'its release'}: use --provider existing or kind (docs/lab.md)"
        )
    for suite in (_MOVING_SUITE, codename):
        yield f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n"


def sources(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Mirror and suites of each source in a configuration folder of apt, in both formats apt knows."""
    for file in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        text = file.read_text() if file.is_file() else ""
        if file.suffix == ".sources":
            for paragraph in re.split(r"\n\s*\n", text):
                fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.*)$", paragraph, re.MULTILINE))
                if "deb" in fields.get("Types", "").split() and fields.get("URIs"):
                    yield fields["URIs"].split()[0], fields.get("Suites", "").split()
        else:
            for uri, suite in re.findall(r"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE):
                yield uri, [suite]
