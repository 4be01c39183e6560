"""Which code made a model."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import shipway_workloads


def code_revision() -> str:
    """The image's SHIPWAY_CODE_REVISION, else a digest of this package's own sources, `sha256:…`."""
    return os.environ.get("SHIPWAY_CODE_REVISION") or _source_digest()


def _source_digest() -> str:
    folder = Path(shipway_workloads.__path__[0])
    root = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        root.update(path.relative_to(folder).as_posix().encode() + b"\0")
        root.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{root.hexdigest()}"
