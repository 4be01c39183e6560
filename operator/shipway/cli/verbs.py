"""promote, pause, resume, abort, retry, undo: annotations with an id, so that each runs once and is recorded."""

import argparse
import asyncio
import time
import uuid
from typing import Any

from shipway.api import labels
from shipway.api.v1alpha1.servingdeployment import Verb
from shipway.cli.connection import CliError, cluster, serving_deployment
from shipway.kube.client import Client
from shipway.kube.resource import SERVING_DEPLOYMENT, Object

HELP = {
    Verb.PROMOTE: "end the current pause and go on to the next step",
    Verb.PAUSE: "stop the clock of the rollout; the gates go on watching",
    Verb.RESUME: "let a paused rollout go on",
    Verb.ABORT: "send all traffic back to the stable version now",
    Verb.RETRY: "lift the quarantine of the wanted version and release it again",
    Verb.UNDO: "go back to a version that was stable before, at once, and hold the one that is left",
}
NEEDS_REASON = frozenset({Verb.RETRY})
POLL_SECONDS = 0.2


def add_parsers(commands: Any) -> None:
    """One command per verb."""
    for verb, text in HELP.items():
        command = commands.add_parser(verb.value, help=text, description=text)
        command.add_argument("name", help="the ServingDeployment")
        command.add_argument("-n", "--namespace", default="default", help="its namespace (default: %(default)s)")
        command.add_argument("--reason", default="", help="why; kept in status and in the incident")
        command.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for the outcome")
        command.set_defaults(run=run, verb=verb, to="")
        if verb is Verb.UNDO:
            command.add_argument("--to", default="", metavar="VERSION", help="which one (default: the newest kept)")


async def run(options: argparse.Namespace) -> int:
    """Asks for the verb and prints what the operator made of it."""
    if options.verb in NEEDS_REASON and not options.reason:
        raise CliError(f"{options.verb} needs --reason: say why the version may try again")
    async with cluster() as client:
        await serving_deployment(client, options.namespace, options.name)
        action = await ask(client, options)
        record = await _outcome(client, options, action)
    print(f"{record['verb']} by {record.get('by') or 'unknown'}: {record.get('result', '')}")
    return 0


async def ask(client: Client, options: argparse.Namespace) -> str:
    """Writes the annotations; returns the id of the action."""
    action = uuid.uuid4().hex[:12]
    annotations = {
        labels.ACTION: options.verb.value,
        labels.ACTION_ID: action,
        labels.ACTION_REASON: options.reason,
        labels.ACTION_TO: options.to or None,
    }
    patch = {"metadata": {"annotations": annotations}}
    await client.merge_patch(SERVING_DEPLOYMENT, options.namespace, options.name, patch)
    return action


async def _outcome(client: Client, options: argparse.Namespace, action: str) -> Object:
    deadline = time.monotonic() + options.timeout
    while time.monotonic() < deadline:
        found = await serving_deployment(client, options.namespace, options.name)
        for record in found.get("status", {}).get("actions", []):
            if record["id"] == action:
                return dict(record)
        await asyncio.sleep(POLL_SECONDS)
    raise CliError(
        f"the operator has not answered {options.verb} within {options.timeout:.0f} s (action {action}); "
        "is it running? kubectl -n shipway-system get pods"
    )
