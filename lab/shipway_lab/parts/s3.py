"""Object storage that speaks S3: a gateway over a folder, with random keys."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Final

from typing_extensions import override

from shipway_lab import jsonfile
from shipway_lab.addresses import NODE_IP, S3_PORT
from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary
from shipway_lab.lab import Lab
from shipway_lab.parts import manifests
from shipway_lab.parts.base import Part, http_ok
from shipway_lab.paths import LabPaths

NAMESPACE: Final = "shipway-lab"
SERVICE_URL: Final = f"http://s3.{NAMESPACE}.svc:{S3_PORT}"
BUCKETS: Final = ("models", "datasets")
_VERSITYGW = GoBinary("versitygw", "s3", "github.com/versity/versitygw/cmd/versitygw", usual_seconds=60)


class S3(Part):
    """An S3 server on the node's address; pods reach it as `s3.shipway-lab.svc`."""

    name = "s3"
    needs = ("apiserver",)

    @override
    def artifacts(self) -> list[Artifact]:
        """The gateway."""
        return [_VERSITYGW]

    @override
    def start(self, lab: Lab) -> None:
        """Start it with new keys over an empty folder with our buckets."""
        keys = {"access_key": "shipway", "secret_key": secrets.token_hex(20)}
        file = credentials_file(lab.paths)
        file.touch(mode=0o600)
        jsonfile.write(file, keys)
        # The flag for connections kept alive stays off: with it multipart uploads fail now and then.
        command = [
            *(lab.artifact(_VERSITYGW.name), "--port", f"{NODE_IP}:{S3_PORT}", "--health", "/health", "--quiet"),
            *("posix", *_metadata(lab), lab.folder("s3")),
        ]
        env = {"ROOT_ACCESS_KEY": keys["access_key"], "ROOT_SECRET_KEY": keys["secret_key"]}
        lab.processes.start(self.name, "versitygw", command, env=env)
        lab.api.apply_all(
            [
                manifests.namespace(NAMESPACE),
                *manifests.service_at(
                    "s3", NAMESPACE, address=NODE_IP, port=S3_PORT, target_port=S3_PORT, port_name="s3"
                ),
            ]
        )

    @override
    def ready(self, lab: Lab) -> bool:
        """It serves and has the buckets."""
        if not http_ok(S3_PORT, "/health", host=NODE_IP):
            return False
        keys = json.loads(credentials_file(lab.paths).read_text())
        missing = [bucket for bucket in BUCKETS if not (lab.folder("s3") / bucket).exists()]
        for bucket in missing:
            lab.processes.run(
                [
                    *(lab.artifact(_VERSITYGW.name), "admin", "--endpoint-url", f"http://{NODE_IP}:{S3_PORT}"),
                    *("create-bucket", "--owner", keys["access_key"], "--bucket", bucket),
                ],
                ADMIN_ACCESS_KEY=keys["access_key"],
                ADMIN_SECRET_KEY=keys["secret_key"],
            )
        return True


def credentials_file(paths: LabPaths) -> Path:
    """Where the keys lie, readable by root only."""
    return paths.config / "s3.json"


def _metadata(lab: Lab) -> list[str | Path]:
    """Where the gateway keeps objects' metadata: in extended attributes, or beside where there are none."""
    try:
        os.setxattr(lab.folder("s3"), "user.shipway", b"")
    except OSError:
        return ["--sidecar", lab.folder("metadata-s3")]
    os.removexattr(lab.folder("s3"), "user.shipway")
    return []
