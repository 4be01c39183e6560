"""The API server's audit log: who wrote what, as the server saw it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
QUIET = frozenset({"leases", "tokenreviews", "subjectaccessreviews"})
"""Resources whose writes say nothing about the state of the world."""


@dataclass(frozen=True)
class Entry:
    """One finished request."""

    time: float
    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    agent: str = ""
    """The User-Agent: one process of several with the same user."""
    group: str = ""
    """The resource's API group."""
    authorized: bool = True
    """Whether RBAC let it through; a refusal by a policy or a quota is another thing."""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} {self.namespace}/{self.name} by {self.user}: {self.code}"


class AuditLog:
    """Reads the log file as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def writes(self, since: float, *, user: str, namespace: str | None = None) -> list[Entry]:
        """The writes of a user (any whose name ends so) since a Unix time, Leases and reviews left out."""
        return [
            entry
            for entry in self.entries()
            if entry.time >= since
            and entry.verb in WRITES
            and entry.user.endswith(user)
            and entry.resource.partition("/")[0] not in QUIET
            and namespace in (None, entry.namespace)
        ]

    def entries(self) -> Iterator[Entry]:
        """Every finished request in the log."""
        with self._path.open() as lines:
            for line in lines:
                if not line.endswith("\n"):
                    return
                event = json.loads(line)
                if event.get("stage") == "ResponseComplete":
                    yield _entry(event)


def _entry(event: dict[str, Any]) -> Entry:
    ref = event.get("objectRef") or {}
    resource = ref.get("resource", "")
    if sub := ref.get("subresource"):
        resource = f"{resource}/{sub}"
    return Entry(
        time=datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp(),
        user=event["user"]["username"],
        verb=event["verb"],
        resource=resource,
        namespace=ref.get("namespace", ""),
        name=ref.get("name", ""),
        group=ref.get("apiGroup", ""),
        authorized=(event.get("annotations") or {}).get("authorization.k8s.io/decision") != "forbid",
        code=(event.get("responseStatus") or {}).get("code", 0),
        agent=event.get("userAgent", ""),
    )
