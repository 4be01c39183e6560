"""Object stores behind one small interface: `s3://bucket/prefix` by boto3 and `file:///folder` for tests and volumes.

A store is rooted at its URI; names inside it are relative, with forward slashes. Writes are atomic: a reader sees
the whole object or none of it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from shipway_workloads.termination import WorkloadError

CHUNK_BYTES = 1 << 20
CONNECT_SECONDS = 5
READ_SECONDS = 30
ATTEMPTS = 6


class StorageReason(StrEnum):
    """Why an object store said no."""

    INVALID_URI = "InvalidUri"
    NOT_FOUND = "NotFound"
    ACCESS_DENIED = "AccessDenied"
    UNREACHABLE = "Unreachable"
    FAILED = "StorageFailed"


class StorageError(WorkloadError):
    """A storage operation failed; `reason` is one of `StorageReason`."""


class Store(Protocol):
    """A folder of objects. Every method raises `StorageError`."""

    @property
    def uri(self) -> str:
        """The root, without a trailing slash."""

    def names(self) -> list[str]:
        """All object names below the root, sorted by code point; empty when there are none."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """The object's bytes in pieces of at most 1 MiB."""

    def read(self, name: str) -> bytes:
        """The whole object."""

    def write(self, name: str, data: bytes) -> None:
        """Creates or replaces the object."""

    def delete(self, name: str) -> None:
        """Removes the object; a missing one is no error."""


def open_store(uri: str) -> Store:
    """Opens the folder at `uri`, without touching it yet.

    Args:
        uri: `s3://bucket/prefix` (credentials, endpoint and region from the standard AWS_* variables) or
            `file:///absolute/folder`.

    Raises:
        StorageError: InvalidUri, when it is neither.
    """
    parts = urlsplit(uri)
    if parts.scheme == "s3" and parts.netloc:
        return S3Store(parts.netloc, parts.path.strip("/"))
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return FileStore(Path(unquote(parts.path)))
    raise StorageError(
        StorageReason.INVALID_URI, f"storage URI {uri!r} must be s3://bucket/prefix or file:///absolute/folder"
    )


def download(store: Store, folder: Path) -> None:
    """Copies every object of `store` below `folder`, which is made if missing.

    Raises:
        StorageError: NotFound, when the store holds no object.
    """
    names = store.names()
    if not names:
        raise StorageError(StorageReason.NOT_FOUND, f"no object below {store.uri}/")
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(store.chunks(name))


def upload(folder: Path, store: Store) -> None:
    """Copies every file below `folder` into `store`, in the order of their names."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        store.write(path.relative_to(folder).as_posix(), path.read_bytes())


class FileStore:
    """A folder of the local file system."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def uri(self) -> str:
        """The root, without a trailing slash."""
        return self._root.as_uri()

    def names(self) -> list[str]:
        """All file names below the root."""
        with _file_errors(self._root):
            return sorted(p.relative_to(self._root).as_posix() for p in self._root.rglob("*") if p.is_file())

    def chunks(self, name: str) -> Iterator[bytes]:
        """The file's bytes in pieces."""
        path = self._root / name
        with _file_errors(path), path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def read(self, name: str) -> bytes:
        """The whole file."""
        path = self._root / name
        with _file_errors(path):
            return path.read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Writes beside the target and renames, so that a crash leaves the old file or the new one."""
        path = self._root / name
        with _file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
            try:
                with os.fdopen(handle, "wb") as file:
                    os.fchmod(handle, 0o644)
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def delete(self, name: str) -> None:
        """Removes the file."""
        path = self._root / name
        with _file_errors(path):
            path.unlink(missing_ok=True)


class S3Store:
    """A prefix of an S3 bucket."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        # With the slash, so that `models/v1` never takes in `models/v10`.
        self._prefix = f"{prefix}/" if prefix else ""
        self._client = _s3_client()

    @property
    def uri(self) -> str:
        """The root, without a trailing slash."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def names(self) -> list[str]:
        """All keys below the prefix, relative to it."""
        keys: list[str] = []
        with _s3_errors(self.uri):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                keys += [entry["Key"] for entry in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in keys if not key.endswith("/"))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The object's bytes as they arrive."""
        with _s3_errors(f"{self.uri}/{name}"):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
            yield from body.iter_chunks(CHUNK_BYTES)

    def read(self, name: str) -> bytes:
        """The whole object."""
        return b"".join(self.chunks(name))

    def write(self, name: str, data: bytes) -> None:
        """One PutObject, which S3 makes visible as a whole."""
        with _s3_errors(f"{self.uri}/{name}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def delete(self, name: str) -> None:
        """Removes the object."""
        with _s3_errors(f"{self.uri}/{name}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)


def _s3_client() -> Any:
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  (0.4 s that file:// users need not pay)
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        # botocore itself reads AWS_DEFAULT_REGION only.
        region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            # Servers other than Amazon's answer at one host name and often know no trailing checksums.
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise StorageError(StorageReason.NOT_FOUND, f"no file {path.as_uri()}") from error
    except PermissionError as error:
        raise StorageError(StorageReason.ACCESS_DENIED, f"no permission on {path.as_uri()}") from error
    except OSError as error:
        raise StorageError(StorageReason.FAILED, f"{path.as_uri()}: {error.strerror}") from error


@contextmanager
def _s3_errors(uri: str) -> Iterator[None]:
    from botocore import exceptions as s3  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        yield
    except s3.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise StorageError(_reason_of(code), f"{uri}: S3 answered {code or error}") from error
    except s3.NoCredentialsError as error:
        raise StorageError(
            StorageReason.ACCESS_DENIED, f"{uri}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except (s3.HTTPClientError, s3.ConnectionError) as error:
        raise StorageError(StorageReason.UNREACHABLE, f"{uri}: {error}") from error
    except s3.BotoCoreError as error:
        raise StorageError(StorageReason.FAILED, f"{uri}: {error}") from error


def _reason_of(code: str) -> StorageReason:
    if code in {"NoSuchKey", "NoSuchBucket", "404", "NotFound"}:
        return StorageReason.NOT_FOUND
    if code in {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}:
        return StorageReason.ACCESS_DENIED
    if code in {"SlowDown", "ServiceUnavailable", "503", "500", "InternalError"}:
        return StorageReason.UNREACHABLE
    return StorageReason.FAILED
