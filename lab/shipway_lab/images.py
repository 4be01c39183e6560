"""The images of the lab: stubs with the names, environment, user and entry point of the real ones.

What a real image would contain is mounted read-only into every container instead: the host's /usr, the Python
interpreter, a virtual environment built from the image's lock files alone, and the checkout's packages. So manifests
are those of production, pods run the code of the checkout, and nothing is built, copied or imported.

All of it lies below /opt/shipway and never below /tmp, where an emptyDir would hide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shipway_lab.artifacts.golang import GoBinary
from shipway_lab.artifacts.virtualenv import VirtualEnvironment
from shipway_lab.oci import Image

_ROOT: Final = "/opt/shipway"
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UID: Final = 65532
_LABEL_APT: Final = "dev.shipway.apt"

PAUSE: Final = "lab.shipway.dev/pause:1"
PAUSE_BINARY: Final = GoBinary("pause", "kube", "./cmd/pause", usual_seconds=2)


@dataclass(frozen=True)
class StubImage:
    """An image of ours, as its Dockerfile describes it. A test holds the two together.

    Attributes:
        name: Full name with tag.
        environment: Its virtual environment.
        source: Package root in the checkout, mounted at /opt/shipway/src/SOURCE.
        entrypoint: What runs when the pod names no command.
        apt: Debian packages it needs beyond its base image; the lab's containers see the host's.
    """

    name: str
    environment: VirtualEnvironment
    source: str
    entrypoint: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        """Where its virtual environment lies in the container."""
        return f"{_ROOT}/{self.source}"

    @property
    def sources(self) -> str:
        """Where its package root lies in the container."""
        return f"{_ROOT}/src/{self.source}"

    @property
    def user(self) -> str:
        """User and group it runs as, numeric so that `runAsNonRoot` can be checked."""
        return f"{_UID}:{_UID}"

    @property
    def env(self) -> Mapping[str, str]:
        """Variables of the image."""
        return {
            "PATH": f"{self.home}/bin:{_SYSTEM_PATH}",
            "HOME": "/tmp",  # noqa: S108
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }


def _environment(source: str, *locks: str, usual_seconds: float) -> VirtualEnvironment:
    return VirtualEnvironment(source, locks, source_path=f"{_ROOT}/src/{source}", usual_seconds=usual_seconds)


OPERATOR: Final = StubImage(
    name="ghcr.io/shipway-ml/operator:0.1.0",
    environment=_environment("operator", "requirements/operator.txt", usual_seconds=10),
    source="operator",
    entrypoint=("python", "-m", "shipway.main"),
    apt=("ca-certificates",),
)
WORKLOADS: Final = StubImage(
    name="ghcr.io/shipway-ml/workloads:0.1.0",
    environment=_environment("workloads", "requirements/workloads.txt", "requirements/data.txt", usual_seconds=120),
    source="workloads",
    apt=("ca-certificates",),
)
STUBS: Final = (OPERATOR, WORKLOADS)


def mounts(*, environments: Mapping[str, Path], sources: Mapping[str, str], python_prefix: str) -> dict[str, str]:
    """What every container sees read-only: path on the host by path in the container.

    Args:
        environments: Folder of each virtual environment, by its name.
        sources: Package roots of the checkout, by their name.
        python_prefix: The interpreter's installation, mounted at its own path: environments refer to it.
    """
    shared = {path: path for path in ("/usr", "/etc/ssl", "/etc/alternatives")}
    if not Path(python_prefix).is_relative_to("/usr"):
        shared[python_prefix] = python_prefix
    for stub in STUBS:
        shared[stub.home] = str(environments[stub.environment.name])
        shared[stub.sources] = sources[stub.source]
    return shared


def oci_images(mount_points: list[str], *, pause: bytes) -> list[Image]:
    """All images of the lab.

    Args:
        mount_points: Folders that must exist in every image of ours.
        pause: The executable of the pod sandbox, which sees none of the mounts.
    """
    sandbox = Image(PAUSE, {"Entrypoint": ["/pause"], "User": f"{_UID}:{_UID}"}, programs={"/pause": pause})
    return [*(_oci(stub, mount_points) for stub in STUBS), sandbox]


def _oci(stub: StubImage, mount_points: list[str]) -> Image:
    config: dict[str, Any] = {
        "Env": [f"{name}={value}" for name, value in stub.env.items()],
        "User": stub.user,
        "WorkingDir": "/",
        "Labels": {_LABEL_APT: " ".join(stub.apt)},
    }
    if stub.entrypoint:
        config["Entrypoint"] = list(stub.entrypoint)
    return Image(stub.name, config, **_skeleton(mount_points))


def _skeleton(mount_points: list[str]) -> dict[str, Any]:
    return {
        "folders": {**dict.fromkeys(mount_points, 0o755), "/tmp": 0o1777, "/mnt": 0o755},  # noqa: S108
        "links": {f"/{name}": f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")},
        "files": {
            "/etc/passwd": f"root:x:0:0:root:/root:/bin/sh\nshipway:x:{_UID}:{_UID}:shipway:/tmp:/usr/sbin/nologin\n",
            "/etc/group": f"root:x:0:\nshipway:x:{_UID}:\n",
            "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        },
    }
