"""Writes OCI images of a few kilobytes: names for what is mounted into every container."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        name: Full name with tag.
        config: The `config` object of the OCI image configuration: Env, User, Entrypoint and so on.
        folders: Empty folders by path, with their mode.
        files: Files by path.
        links: Symbolic links by path.
        programs: Executable files by path.
    """

    name: str
    config: Mapping[str, Any]
    folders: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, bytes] = field(default_factory=dict)


def write_archive(target: Path, images: Sequence[Image]) -> None:
    """Write an OCI layout with all images into one tar file that `ctr images import` reads."""
    blobs: dict[str, bytes] = {}
    manifests = [_add(image, blobs) for image in images]
    with tarfile.open(target, "w") as archive:
        _add_file(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add_file(archive, "index.json", _encoded({"schemaVersion": 2, "manifests": manifests}))
        for digest, content in blobs.items():
            _add_file(archive, f"blobs/{digest.replace(':', '/')}", content)


def _add(image: Image, blobs: dict[str, bytes]) -> dict[str, Any]:
    def put(content: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    layer = put(_layer(image), _LAYER)
    config = {
        "created": _EPOCH,
        "architecture": "amd64",
        "os": "linux",
        "config": dict(image.config),
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": put(_encoded(config), _CONFIG),
        "layers": [layer],
    }
    annotations = {
        "io.containerd.image.name": image.name,
        "org.opencontainers.image.ref.name": image.name.rsplit(":", 1)[1],
    }
    return {**put(_encoded(manifest), _MANIFEST), "annotations": annotations}


def _layer(image: Image) -> bytes:
    """A tar whose bytes depend on the image alone: no clock, no order of a file system, no owner but root."""
    buffer = io.BytesIO()
    parents = {
        str(parent): 0o755
        for path in (*image.folders, *image.files, *image.links)
        for parent in reversed(Path(path).parents)
        if parent != Path("/")
    }
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, mode in sorted({**parents, **image.folders}.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for path, target in sorted(image.links.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
            archive.addfile(entry)
        for path, content in sorted(image.files.items()):
            _add_file(archive, path.lstrip("/"), content.encode())
        for path, program in sorted(image.programs.items()):
            _add_file(archive, path.lstrip("/"), program, mode=0o755)
    return buffer.getvalue()


def _add_file(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(content))


def _encoded(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
