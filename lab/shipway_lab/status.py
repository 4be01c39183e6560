"""What a lab is doing and what it costs, gathered from outside."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from shipway_lab import accounting, jsonfile, keeper, power
from shipway_lab.addresses import NODE_IP
from shipway_lab.nodes import with_parts
from shipway_lab.parts import s3
from shipway_lab.paths import LabPaths
from shipway_lab.spec import LabSpec

_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def gather(name: str) -> dict[str, Any] | None:
    """The status of a lab as one JSON-ready object, or None if there is no such lab.

    `pss_mib` is the proportional set size in MiB: shared pages count once, however many processes share them.
    """
    paths = LabPaths.of(name)
    spec = LabSpec.load(paths.spec)
    if spec is None or not keeper.alive(paths):
        return None
    report = jsonfile.read(paths.progress) or {"parts": {}, "ready": False, "error": "", "seconds": 0.0}
    memory = memory_by_part(jsonfile.read(paths.keeper) or {})
    nodes = _nodes(paths, spec, memory)
    parts = {
        part: {**report["parts"].get(part, {"state": "Waiting"}), "pss_mib": memory.pop(part, 0.0)}
        for part in spec.parts
    }
    return {
        "name": name,
        "ready": report["ready"],
        "error": report["error"],
        "seconds": report["seconds"],
        "state": str(paths.root),
        "kubeconfig": str(paths.kubeconfig),
        "api": f"https://127.0.0.1:{spec.ports['api']}",
        "gateway": f"http://127.0.0.1:{spec.ports['gateway']}" if "gateway" in spec.ports else None,
        "s3": _s3(paths, spec),
        "node_ip": NODE_IP,
        "nodes": nodes,
        "audit_log": str(paths.audit_log),
        "logs": str(paths.logs),
        "parts": parts,
        "other_pss_mib": memory,
        "pss_mib": round(sum(part["pss_mib"] for part in parts.values()) + sum(memory.values()), 1),
    }


def last_error(name: str) -> str:
    """Why the lab ended, as the end of a sentence; empty after a wanted end."""
    report = jsonfile.read(LabPaths.of(name).progress) or {}
    return f". It ended because of {report['error']}" if report.get("error") else ""


def memory_by_part(kept: dict[str, Any]) -> dict[str, float]:
    """PSS in MiB of each part's processes, of pods, and of the lab's own processes (`lab`)."""
    totals: dict[str, float] = {}
    for pid, owner in _owners(kept):
        totals[owner] = totals.get(owner, 0.0) + _pss_mib(pid)
    return {owner: round(total, 1) for owner, total in totals.items()}


def _owners(kept: dict[str, Any]) -> list[tuple[int, str]]:
    outside = [(kept[role], accounting.LAB) for role in ("keeper", "sweeper") if role in kept]
    group = next((Path(group) for group in kept.get("cgroups", []) if "/pids/" in group), None)
    return outside + (list(accounting.owners(group)) if group else [])


def _nodes(paths: LabPaths, spec: LabSpec, memory: dict[str, float]) -> dict[str, dict[str, Any]]:
    states = power.states(paths, spec)
    return {
        node.name: {
            "state": states[node.name],
            "ip": node.ip,
            "pss_mib": round(sum(memory.get(owner, 0.0) for owner in node.owners()), 1),
        }
        for node in with_parts(spec.parts)
    }


def _pss_mib(pid: int) -> float:
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:  # It ended meanwhile.
        return 0.0
    return int(found.group(1)) / 1024 if found else 0.0


def _s3(paths: LabPaths, spec: LabSpec) -> dict[str, str] | None:
    keys = jsonfile.read(s3.credentials_file(paths))
    if keys is None:
        return None
    return {"endpoint": s3.SERVICE_URL, "host_endpoint": f"http://127.0.0.1:{spec.ports['s3']}", **keys}


def describe(found: dict[str, Any]) -> str:
    """The status as text for a terminal."""
    lines = [
        f"lab {found['name']}: {'ready' if found['ready'] else found['error'] or 'starting'}",
        f"  kubeconfig  {found['kubeconfig']}",
        f"  api         {found['api']}",
    ]
    if found["gateway"]:
        lines.append(f"  gateway     {found['gateway']}")
    if found["s3"]:
        lines.append(f"  s3          {found['s3']['host_endpoint']} (from pods: {found['s3']['endpoint']})")
    lines += [
        f"  logs        {found['logs']}",
        "",
        f"{'PART':18}{'STATE':10}{'UP IN':>8}{'RESTARTS':>10}{'PSS MiB':>10}",
    ]
    for name, part in found["parts"].items():
        seconds = f"{part['seconds']:.1f} s" if part.get("seconds") is not None else "-"
        lines.append(f"{name:18}{part['state']:10}{seconds:>8}{part.get('restarts', 0):>10}{part['pss_mib']:>10.1f}")
    lines += [f"{name:46}{pss:>10.1f}" for name, pss in sorted(found["other_pss_mib"].items())]
    lines.append(f"{'total':46}{found['pss_mib']:>10.1f}")
    if found["nodes"]:
        lines += ["", f"{'NODE':18}{'STATE':10}{'ADDRESS':18}{'PSS MiB':>10}"]
    for name, node in found["nodes"].items():
        lines.append(f"{name:18}{node['state']:10}{node['ip']:18}{node['pss_mib']:>10.1f}")
    return "\n".join(lines)
