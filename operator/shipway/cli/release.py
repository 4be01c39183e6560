"""`shipway get NAME`: a release as a tree, once or as it goes."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from shipway.api.v1alpha1.rollout import Rollout
from shipway.api.v1alpha1.step import Step
from shipway.cli.connection import cluster, serving_deployment
from shipway.kube.resource import Object

REFRESH_SECONDS = 1.0
CLEAR = "\x1b[H\x1b[2J"


def add_parser(commands: Any) -> None:
    """The command."""
    text = "show a release: versions, steps, gates and why it waits"
    command = commands.add_parser("get", help=text, description=text)
    command.add_argument("name", help="the ServingDeployment")
    command.add_argument("-n", "--namespace", default="default", help="its namespace (default: %(default)s)")
    command.add_argument("-w", "--watch", action="store_true", help="keep showing it until interrupted")
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Prints the tree once, or every second."""
    async with cluster() as client:
        while True:
            lines = tree(await serving_deployment(client, options.namespace, options.name))
            if options.watch and sys.stdout.isatty():
                print(CLEAR, end="")
            print("\n".join(lines), flush=True)
            if not options.watch:
                return 0
            await asyncio.sleep(REFRESH_SECONDS)


def tree(sdep: Object) -> list[str]:
    """The lines of the tree."""
    status = sdep.get("status", {})
    meta = sdep["metadata"]
    lines = [f"{meta['namespace']}/{meta['name']}  {status.get('url', '')}".rstrip()]
    if summary := status.get("summary"):
        lines.append(f"  {summary}")
    lines += _versions(status)
    lines += _steps(status.get("rollout"), Rollout.model_validate(sdep["spec"].get("rollout", {})).steps)
    lines += _gates(status.get("rollout"))
    lines += _objectives(status)
    lines += _conditions(status)
    lines += _actions(status)
    return lines


def _versions(status: Object) -> list[str]:
    share = status.get("rollout", {}).get("weights", {}).get("observed", 0) if status.get("candidate") else 0
    lent = min(share, 100 - share) if status.get("twin") else 0
    rows = []
    for role, weight in (("stable", 100 - share - lent), ("candidate", share), ("twin", lent), ("rollbackTarget", 0)):
        if version := status.get(role):
            rows.append(f"├─ {role:<15} {version['version']:<12} {weight:>3} %  {version['digest'][:19]}")
    return rows + [_kept(ref) for ref in status.get("kept", [])]


def _kept(ref: Object) -> str:
    took = f"undo takes about {ref['startSeconds']} s" if "startSeconds" in ref else "stopped"
    return f"├─ {'kept':<15} {ref['version']:<12} {took}"


def _steps(rollout: Object | None, steps: Sequence[Step]) -> list[str]:
    if not rollout:
        return []
    if rollout.get("undo"):
        return [f"├─ undo            {rollout['state']}"]
    lines = [f"├─ rollout         {rollout['state']}"]
    current = rollout.get("stepIndex", 0) if rollout["state"] in ("Stepping", "Paused") else None
    for index, step in enumerate(steps):
        mark = "→" if index == current else " "
        lines.append(f"│  {mark} {index}  {_step(step)}")
    return lines


def _step(step: Step) -> str:
    if step.set_weight is not None:
        return f"{step.set_weight} %"
    if step.mirror is not None:
        return "mirror"
    seconds = step.pause.seconds if step.pause else None
    return f"pause {seconds} s" if seconds else "pause until promoted"


def _gates(rollout: Object | None) -> list[str]:
    gates = (rollout or {}).get("gates", [])
    width = max((10, *(len(g["name"]) for g in gates)))
    return [f"├─ gate {g['name']:<{width}} {g['verdict']:<18} {_said(g)}" for g in gates]


def _said(gate: Object) -> str:
    text = str(gate.get("message") or gate.get("value", ""))
    return f"{text} (observed)" if gate.get("onFail") == "Observe" else text


def _objectives(status: Object) -> list[str]:
    objectives = status.get("objectives", [])
    return [f"├─ objective {o['name']:<10} {o['state']:<8} {o.get('message', '')}".rstrip() for o in objectives]


def _conditions(status: Object) -> list[str]:
    said = {status.get("summary", "")}
    lines = []
    for condition in status.get("conditions", []):
        message = condition.get("message", "")
        words = condition["reason"] if message in said else f"{condition['reason']}: {message}"
        lines.append(f"├─ {condition['type']:<15} {condition['status']:<8} {words}")
        said.add(message)
    return lines


def _actions(status: Object) -> list[str]:
    return [
        f"└─ {a['at']}  {a['verb']} by {a.get('by') or 'unknown'}: {a.get('result', '')}"
        for a in status.get("actions", [])[-5:]
    ]
