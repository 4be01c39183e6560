"""The interface of a part: what it is made from, how it starts, when it is ready, how it stops."""

from __future__ import annotations

import http.client
import ssl
from abc import ABC, abstractmethod
from typing import ClassVar

from shipway_lab.artifacts.cache import Artifact
from shipway_lab.lab import Lab


class Part(ABC):
    """One component of the lab. Stateless: all it knows is in the `Lab` it is given.

    Attributes:
        name: Name on the command line, in the status and of its cgroup.
        needs: Parts that must be ready before this one starts.
        seconds: Time after which a part that is not ready counts as failed.
    """

    name: str
    needs: tuple[str, ...] = ()
    seconds: ClassVar[float] = 60.0

    def artifacts(self) -> list[Artifact]:
        """What must be in the cache before the lab starts."""
        return []

    @abstractmethod
    def start(self, lab: Lab) -> None:
        """Write configuration, start processes, apply objects. Called once, in a thread of its own."""

    @abstractmethod
    def ready(self, lab: Lab) -> bool:
        """Whether others may rely on it. Asked again and again; an OSError or LabError counts as no."""

    def stop(self, lab: Lab) -> None:
        """End it. What the namespaces hold disappears with them and needs no care here."""
        lab.processes.stop(self.name)


def http_ok(port: int, path: str, *, host: str = "127.0.0.1", tls: bool = False) -> bool:
    """Whether a health endpoint answers 200. Certificates are not checked: it is our own process on loopback."""
    connection: http.client.HTTPConnection
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=2, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()
