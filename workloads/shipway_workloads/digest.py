"""The identity of an artifact: the root digest of OpenSSF Model Signing v1.0.

SHA-256 over the concatenated raw SHA-256 digests of the files, in the order of their paths, compared part by part as
the reference implementation does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from shipway_workloads.storage import StorageError, StorageReason, Store
from shipway_workloads.termination import WorkloadError


class DigestReason(StrEnum):
    """Why no digest is given."""

    EMPTY_FILE = "EmptyFile"


@dataclass(frozen=True, kw_only=True)
class ArtifactDigest:
    """What a whole artifact hashes to.

    Attributes:
        digest: `sha256:<64 hex digits>`.
        files: Number of files.
        size_bytes: Sum of their sizes.
    """

    digest: str
    files: int
    size_bytes: int


def of_store(store: Store) -> ArtifactDigest:
    """Streams every object of `store` once and hashes it; memory stays at one chunk.

    Raises:
        StorageError: The store is empty (NotFound) or cannot be read.
        WorkloadError: EmptyFile, since KServe's storage initializer drops empty objects, so that the digest of what a
            predictor loads could never match.
    """
    root = hashlib.sha256()
    size = 0
    names = sorted(store.names(), key=lambda name: name.split("/"))
    if not names:
        raise StorageError(StorageReason.NOT_FOUND, f"no object below {store.uri}/")
    for name in names:
        file_hash, file_size = _hash(store, name)
        if file_size == 0:
            raise WorkloadError(
                DigestReason.EMPTY_FILE, f"{store.uri}/{name} is empty; serving skips empty files, so remove it"
            )
        root.update(file_hash)
        size += file_size
    return ArtifactDigest(digest=f"sha256:{root.hexdigest()}", files=len(names), size_bytes=size)


def _hash(store: Store, name: str) -> tuple[bytes, int]:
    hasher = hashlib.sha256()
    size = 0
    for chunk in store.chunks(name):
        hasher.update(chunk)
        size += len(chunk)
    return hasher.digest(), size
