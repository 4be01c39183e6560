"""Who wrote what, by the API server's own account."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from harness.audit import QUIET, WRITES


class AuditLog:
    """The part of the audit log that is written from here on; the server begins a new file at 100 MB."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._earlier = set(self._rotated())
        self._start = path.stat().st_size

    def _rotated(self) -> list[Path]:
        return sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"))

    def per_object(self, objects: int) -> dict[str, dict[str, float]]:
        """Writes per object, by the last word of the user's name and by verb and resource."""
        counts: dict[str, Counter[str]] = {}
        files = [*(path for path in self._rotated() if path not in self._earlier), self._path]
        for number, path in enumerate(files):
            with path.open("rb") as log:
                log.seek(0 if number else self._start)
                for line in log:
                    if line.endswith(b"\n"):
                        self._count(msgspec.json.decode(line), counts)
        return {
            user: {what: round(number / objects, 3) for what, number in count.most_common() if number / objects > 0.005}
            for user, count in sorted(counts.items())
        }

    def _count(self, event: dict[str, Any], counts: dict[str, Counter[str]]) -> None:
        ref = event.get("objectRef") or {}
        resource = ref.get("resource", "")
        if event["verb"] not in WRITES or resource in QUIET:
            return
        name = resource + (f"/{ref['subresource']}" if ref.get("subresource") else "")
        user = event["user"]["username"].rpartition(":")[2]
        refused = "" if (event.get("responseStatus") or {}).get("code", 0) < 400 else " refused"
        counts.setdefault(user, Counter())[f"{event['verb']} {name}{refused}"] += 1
