"""The last words of a pod: one JSON object in the file that Kubernetes copies into the container's status."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_PATH = Path("/dev/termination-log")
MAX_BYTES = 4096


class WorkloadError(Exception):
    """A failure with a machine-readable reason.

    Attributes:
        reason: CamelCase word from the closed list of the module that raises it.
        message: What is wrong, where, and what would be right.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = str(reason)
        self.message = message


def write(report: Mapping[str, Any], *, keep_existing: bool = False) -> None:
    """Leaves `report` as the container's termination message.

    The file is named by SHIPWAY_TERMINATION_LOG, else it is the kubelet's. Outside a pod, where neither exists,
    the report goes to stdout.

    Args:
        report: A JSON object.
        keep_existing: Leave a message alone that is already there; for failures that are only an echo of another's.

    Raises:
        ValueError: The report is longer than the 4096 bytes that Kubernetes keeps.
    """
    text = _encode(report)
    size = len(text.encode())
    if size > MAX_BYTES:
        raise ValueError(f"termination report has {size} bytes, Kubernetes keeps {MAX_BYTES}: shorten it")
    path = _path()
    if path is None:
        print(text, file=sys.stdout, flush=True)
        return
    if keep_existing and path.exists() and path.stat().st_size > 0:
        return
    path.write_text(text)


def write_error(error: WorkloadError, *, keep_existing: bool = False) -> None:
    """Leaves `{"error": {"reason", "message"}}` as the termination message; a long message is cut, never refused."""
    report = {"error": {"reason": error.reason, "message": error.message}}
    while len(_encode(report).encode()) > MAX_BYTES:
        message = report["error"]["message"]
        report["error"]["message"] = message[: len(message) // 2]
    write(report, keep_existing=keep_existing)


def _encode(report: Mapping[str, Any]) -> str:
    return json.dumps(report, separators=(",", ":"), ensure_ascii=False)


def _path() -> Path | None:
    named = os.environ.get("SHIPWAY_TERMINATION_LOG")
    if named:
        return Path(named)
    # Only the kubelet makes this file; creating it elsewhere would litter a host's /dev.
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None
