"""Versions to release: a small ranker, each with its fault in the artifact and so its own digest."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.releases.population import ranker
from benchmarks.releases.traffic import MODEL
from benchmarks.releases.unreliable import FILE, Fault
from shipway_lab.secret import REGION
from shipway_workloads import digest, storage
from shipway_workloads.storage import FileStore
from shipway_workloads.training import artifact


@dataclass(frozen=True)
class Version:
    """A version in the object store."""

    name: str
    uri: str
    digest: str


def use_store(s3: Mapping[str, str]) -> None:
    """Let this process write to the lab's object store; `s3` is what the lab's status says of it."""
    os.environ |= {
        "AWS_ACCESS_KEY_ID": s3["access_key"],
        "AWS_SECRET_ACCESS_KEY": s3["secret_key"],
        "AWS_ENDPOINT_URL": s3["host_endpoint"],
        "AWS_REGION": REGION,
    }


def publish(name: str, fault: Fault, *, owner: str) -> Version:
    """Store a version; each owner has names of its own."""
    uri = f"s3://models/{owner}/{MODEL}/{name}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        artifact.save(ranker(shift=fault.shift), folder)
        (folder / FILE).write_text(json.dumps({"version": name, "fault": asdict(fault)}))
        found = digest.of_store(FileStore(folder))
        storage.upload(folder, storage.open_store(uri))
    return Version(name, uri, found.digest)
