"""etcd: the cluster's store. Its data lives as long as the lab."""

from __future__ import annotations

from typing_extensions import override

from shipway_lab.addresses import ETCD_URL
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.lab import Lab
from shipway_lab.parts import node_packages
from shipway_lab.parts.base import Part, http_ok


class Etcd(Part):
    """A single member that listens on loopback only."""

    name = "etcd"

    @override
    def artifacts(self) -> list[Artifact]:
        """The Debian package."""
        return [node_packages.PACKAGES]

    @override
    def start(self, lab: Lab) -> None:
        """Start it without fsync: a lab does not outlive the machine's power."""
        arguments = (
            f"--data-dir={lab.folder('etcd')}",
            f"--listen-client-urls={ETCD_URL}",
            f"--advertise-client-urls={ETCD_URL}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        lab.processes.start(self.name, "etcd", [node_packages.program(lab, "usr/bin/etcd"), *arguments])

    @override
    def ready(self, lab: Lab) -> bool:
        """It has elected itself and serves."""
        return http_ok(2379, "/health")
