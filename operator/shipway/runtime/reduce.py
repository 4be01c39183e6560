"""What is kept of an object: the fields that somebody reads."""

from collections.abc import Callable

from shipway.kube.resource import Object

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def reduced(obj: Object, trim: Callable[[Object], Object]) -> Object:
    """The trimmed object. Metadata always stays, less what only other tools read and what is large."""
    meta = obj["metadata"]
    if "managedFields" in meta:
        meta = {name: value for name, value in meta.items() if name != "managedFields"}
    if LAST_APPLIED in (meta.get("annotations") or {}):
        meta = {**meta, "annotations": {k: v for k, v in meta["annotations"].items() if k != LAST_APPLIED}}
    return {**trim(obj), "apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": meta}
