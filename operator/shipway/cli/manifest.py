"""`shipway manifest NAME`: the version that serves here, as YAML for another namespace or another cluster.

The version goes to production the way everything else does, by `kubectl apply` or a commit; its digest and its lineage
go with it, so the other side verifies the same bytes. Nothing of the other side is read or changed.
"""

import argparse
import copy
from collections.abc import Sequence
from typing import Any

import yaml

from shipway.api.schema import GROUP
from shipway.cli.connection import CliError, cluster, serving_deployment
from shipway.kube.client import Client
from shipway.kube.resource import MODEL, MODEL_VERSION, Object

PROMOTED_FROM = f"{GROUP}/promoted-from"
"""Annotation: namespace, name and uid of the ModelVersion this one was printed from."""


def add_parser(commands: Any) -> None:
    """The command."""
    text = "print the version that serves, as YAML for another namespace or cluster"
    command = commands.add_parser("manifest", help=text, description=text)
    command.add_argument("name", help="the ServingDeployment")
    command.add_argument("-n", "--namespace", default="default", help="its namespace (default: %(default)s)")
    command.add_argument("--version", default="", help="which version (default: the stable one)")
    command.add_argument("--to", default="", metavar="NAMESPACE", help="the other namespace (default: the same name)")
    command.add_argument(
        "--secret",
        default=None,
        metavar="NAME",
        help="the Secret with the storage credentials there (default: the same)",
    )
    command.add_argument(
        "--all", action="store_true", dest="whole", help="the Model and the ServingDeployment too, for the first time"
    )
    command.set_defaults(run=run)


async def run(options: argparse.Namespace) -> int:
    """Prints the manifest."""
    async with cluster() as client:
        sdep = await serving_deployment(client, options.namespace, options.name)
        version = options.version or stable_of(sdep)
        found = await _version(client, sdep, version)
        models = [await client.get(MODEL, options.namespace, sdep["spec"]["model"])] if options.whole else []
    target = options.to or options.namespace
    objects = [*models, elsewhere(found, secret=options.secret), *([_serving(sdep, version)] if options.whole else [])]
    print(
        document([placed(each, target) for each in objects], _next(sdep, version, target, whole=options.whole)), end=""
    )
    return 0


def stable_of(sdep: Object) -> str:
    """The version that has proven itself here.

    Raises:
        CliError: There is none, or it is still on trial.
    """
    stable, rollout = sdep.get("status", {}).get("stable"), sdep.get("status", {}).get("rollout", {})
    name = sdep["metadata"]["name"]
    if not stable:
        raise CliError(f"{name} has no stable version yet; name one with --version")
    if rollout.get("state") == "Baking":
        raise CliError(
            f"the bake of {stable['version']}, which has all the traffic of {name}, is not over; wait, or use --version"
        )
    return str(stable["version"])


def elsewhere(version: Object, *, secret: str | None) -> Object:
    """A ModelVersion as another namespace creates it.

    Args:
        version: As it is here.
        secret: Name of the Secret there; None leaves it as it is here, "" takes it away.

    Raises:
        CliError: It may not serve, and so may not go on.
    """
    meta, spec = version["metadata"], copy.deepcopy(version["spec"])
    for condition in version.get("status", {}).get("conditions", []):
        if (condition["type"], condition["status"]) in {("DigestVerified", "False"), ("Quarantined", "True")}:
            raise CliError(f"{meta['name']} may not go on: {condition['reason']}: {condition['message']}")
    if secret is not None:
        spec["source"].pop("secretName", None)
        spec["source"] |= {"secretName": secret} if secret else {}
    origin = f"{meta['namespace']}/{meta['name']}/{meta['uid']}"
    return _bare(version, spec) | {"metadata": {"name": meta["name"], "annotations": {PROMOTED_FROM: origin}}}


def placed(body: Object, namespace: str) -> Object:
    """The object in a namespace."""
    return body | {"metadata": body["metadata"] | {"namespace": namespace}}


def document(objects: Sequence[Object], comment: str) -> str:
    """All of it as one YAML text."""
    texts = [yaml.safe_dump(each, sort_keys=False, allow_unicode=True) for each in objects]
    return "".join(f"# {line}\n" for line in comment.splitlines()) + "---\n".join(texts)


async def _version(client: Client, sdep: Object, version: str) -> Object:
    namespace, model = sdep["metadata"]["namespace"], sdep["spec"]["model"]
    versions = [v for v in (await client.list(MODEL_VERSION, namespace)).items if v["spec"]["modelName"] == model]
    found = next((v for v in versions if v["spec"]["version"] == version), None)
    if found is None:
        there = ", ".join(v["spec"]["version"] for v in versions) or "none"
        raise CliError(f'no version "{version}" of {model} in namespace {namespace} (there are: {there})')
    return found


def _serving(sdep: Object, version: str) -> Object:
    spec = {key: value for key, value in sdep["spec"].items() if key not in {"version", "latestReady", "alias"}}
    return _bare(sdep, {**spec, "version": version})


def _bare(body: Object, spec: Object) -> Object:
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": {"name": body["metadata"]["name"]},
        "spec": spec,
    }


def _next(sdep: Object, version: str, namespace: str, *, whole: bool) -> str:
    name = sdep["metadata"]["name"]
    if whole:
        return f"{name} as in {sdep['metadata']['namespace']}; look at host, gateway and sizes before it is applied."
    patch = f"""'{{"spec":{{"version":"{version}"}}}}'"""
    return f"After it is applied, this releases it:\nkubectl -n {namespace} patch sdep {name} --type merge -p {patch}"
