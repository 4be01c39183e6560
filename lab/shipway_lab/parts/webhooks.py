"""Admission webhooks of controllers that run as processes of the lab: called on its loopback."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path
from typing import Any

from shipway_lab import pki
from shipway_lab.errors import PartFailedError
from shipway_lab.lab import Lab

_SECONDS_TO_SERVE = 40.0


def authority(lab: Lab) -> str:
    """The certificate of the lab's authority in base64, for configurations of webhooks."""
    return pki.encoded(lab.paths.pki / "ca.crt")


def certificates(lab: Lab, part: str) -> Path:
    """A folder for temporary files of a part in which its manager finds its serving certificate."""
    temporary = lab.folder(f"{part}-tmp")
    folder = temporary / "k8s-webhook-server" / "serving-certs"
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("crt", "key"):
        shutil.copy(lab.paths.pki / f"webhook.{suffix}", folder / f"tls.{suffix}")
    return temporary


def at_loopback(configuration: dict[str, Any], ca_bundle: str, *, port: int, name: str = "") -> dict[str, Any]:
    """A webhook configuration that calls a port of the lab's loopback instead of a service.

    Args:
        configuration: As the project ships it.
        ca_bundle: Certificate of the authority in base64.
        port: Where the webhooks are served.
        name: Another name for it; several projects ship theirs under the same.
    """
    hooks = []
    for webhook in configuration["webhooks"]:
        path = webhook["clientConfig"]["service"]["path"]
        client = {"url": f"https://127.0.0.1:{port}{path}", "caBundle": ca_bundle}
        hooks.append({**webhook, "clientConfig": client})
    return {**configuration, "metadata": {"name": name or configuration["metadata"]["name"]}, "webhooks": hooks}


def await_port(part: str, port: int) -> None:
    """Wait until a manager serves its webhooks.

    Raises:
        PartFailedError: It does not within 40 s.
    """
    deadline = time.monotonic() + _SECONDS_TO_SERVE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise PartFailedError(f"{part}: nothing listens on port {port} after {_SECONDS_TO_SERVE:.0f} s")
