"""Writes are counted from the moment a burst begins, however often the API server begins a new file meanwhile."""

import json
from pathlib import Path

from audit_log import AuditLog

POD = {"create pods": 1.0}


def entry(verb: str, resource: str, user: str = "system:serviceaccount:team:operator") -> str:
    return json.dumps({"verb": verb, "objectRef": {"resource": resource}, "user": {"username": user}}) + "\n"


def append(path: Path, *entries: str) -> None:
    with path.open("a") as log:
        log.writelines(entries)


def test_what_was_written_before_and_half_a_line_at_the_end_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    append(path, entry("create", "jobs"))
    log = AuditLog(path)
    append(path, entry("create", "pods"), entry("get", "pods"), entry("create", "pods")[:20])
    assert log.per_object(1) == {"operator": POD}


def test_writes_in_files_that_the_server_put_aside_count_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    append(tmp_path / "audit-2026-01-01T00-00-00.000.log", entry("create", "jobs"))
    append(path, entry("create", "jobs"))
    log = AuditLog(path)
    for hour in (1, 2):
        append(path, entry("create", "pods"))
        path.rename(tmp_path / f"audit-2026-01-01T0{hour}-00-00.000.log")
    append(path, entry("create", "pods"))
    assert log.per_object(3) == {"operator": POD}
