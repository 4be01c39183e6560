"""Alertmanager: takes alerts and shows them; nobody is told unless a configuration says whom."""

from __future__ import annotations

from typing import Final

from typing_extensions import override

from shipway_lab.artifacts.cache import Artifact
from shipway_lab.artifacts.golang import GoBinary
from shipway_lab.lab import Lab
from shipway_lab.parts.base import Part, http_ok

PORT: Final = 19093
# From source: Debian's reads its templates where only an installed package has them.
ALERTMANAGER: Final = GoBinary(
    "alertmanager", "alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", usual_seconds=60
)
_NOBODY: Final = '{"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}'


class Alertmanager(Part):
    """One on loopback, without others to agree with, that keeps nothing beyond the lab's life."""

    name = "alertmanager"

    @override
    def artifacts(self) -> list[Artifact]:
        """The server."""
        return [ALERTMANAGER]

    @override
    def start(self, lab: Lab) -> None:
        """Start it."""
        arguments = (
            f"--config.file={lab.write('alertmanager.yaml', _NOBODY)}",
            f"--storage.path={lab.folder('alertmanager')}",
            f"--web.listen-address=127.0.0.1:{PORT}",
            "--cluster.listen-address=",
            "--log.level=warn",
        )
        lab.processes.start(self.name, self.name, [lab.artifact(ALERTMANAGER.name), *arguments])

    @override
    def ready(self, lab: Lab) -> bool:
        """It takes alerts."""
        return http_ok(PORT, "/-/ready")
