"""Reachability from the host: one process that carries connections from 127.0.0.1 into the lab."""

from __future__ import annotations

import sys

from typing_extensions import override

from shipway_lab import paths
from shipway_lab.addresses import API_PORT, ENVOY_PORT, NODE_IP, S3_PORT
from shipway_lab.lab import Lab
from shipway_lab.parts.base import Part

TARGETS = {"api": (NODE_IP, API_PORT), "gateway": (NODE_IP, ENVOY_PORT), "s3": (NODE_IP, S3_PORT)}


class Forwarder(Part):
    """Forwards each listener that was opened on the host before the lab left its network."""

    name = "forwarder"

    @override
    def start(self, lab: Lab) -> None:
        """Start it with the listening sockets inherited."""
        forwards = [
            f"{descriptor}={TARGETS[service][0]}:{TARGETS[service][1]}" for service, descriptor in lab.listeners.items()
        ]
        lab.processes.start(
            self.name,
            "forwarder",
            [sys.executable, "-m", "shipway_lab.forward", *forwards],
            descriptors=tuple(lab.listeners.values()),
            env={"PYTHONPATH": str(paths.checkout() / "lab")},
        )

    @override
    def ready(self, lab: Lab) -> bool:
        """The sockets listen since before the lab began: a connection waits until it is accepted."""
        return True
