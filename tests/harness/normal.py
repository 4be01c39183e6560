"""The state of a namespace as a text that is equal in two runs of the same story: no uids, times, versions."""

import json
import re
from collections.abc import Sequence
from typing import Any

from shipway.kube.client import Client
from shipway.kube.resource import OWN, Object, Resource

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
RANDOM = re.compile(r"\b(kube-api-access-)[a-z0-9]{5}\b")
STAMP = re.compile(r"(?<=-)[12]\d{9}\b")
"""Unix seconds at the end of a name."""
NOISE = frozenset(
    {"resourceVersion", "managedFields", "generation", "observedGeneration", "clusterIP", "clusterIPs", "selfLink"}
)


async def normal_state(
    client: Client, namespace: str, resources: Sequence[Resource], *, ignore: Sequence[str] = ()
) -> str:
    """Everything of the given resources in the namespace, as sorted JSON; of others' kinds without the status.

    Their status is what schedulers and kubelets make of it, in whatever order they come by.

    Args:
        client: To list with.
        namespace: Where.
        resources: What.
        ignore: Dotted paths below an object to leave out; `*` stands for every element of a list.
    """
    objects = [obj for resource in resources for obj in (await client.list(resource, namespace)).items]
    uids = {obj["metadata"]["uid"]: f"{obj['kind']}/{obj['metadata']['name']}" for obj in objects}
    names = {namespace: "NAMESPACE"} | uids | {uid[:8]: f"{name}:short" for uid, name in uids.items()}
    for obj in objects:
        if obj["kind"] not in OWN:
            obj.pop("status", None)
        for path in ignore:
            _drop(obj, path.split("."))
    lines = [json.dumps(_normal(obj, names), indent=1, sort_keys=True) for obj in objects]
    return "\n".join(sorted(lines))


def _normal(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _normal(part, names) for name, part in value.items() if name not in NOISE}
    if isinstance(value, list):
        return [_normal(part, names) for part in value]
    if isinstance(value, str):
        for name, stand_in in names.items():
            value = value.replace(name, f"<{stand_in}>")
        return STAMP.sub("<stamp>", RANDOM.sub(r"\1<random>", TIME.sub("<time>", value)))
    return value


def _drop(value: Any, path: list[str]) -> None:
    head, *rest = path
    if head == "*" and isinstance(value, list):
        for part in value:
            _drop(part, rest)
    elif isinstance(value, dict) and head in value:
        if rest:
            _drop(value[head], rest)
        else:
            del value[head]


def names_of(objects: Sequence[Object]) -> list[str]:
    """The sorted names of objects."""
    return sorted(obj["metadata"]["name"] for obj in objects)
