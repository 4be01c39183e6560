"""What ties a child to its owner: labels, the owner reference, and the way back from a change to the owner's key."""

from collections.abc import Iterable, Mapping
from typing import Any

from shipway.api import labels
from shipway.kube.resource import Key, Object
from shipway.runtime.controller import Cache

SELECTOR = f"{labels.MANAGED_BY}={labels.OPERATOR}"
"""Server-side selector of everything the operator makes."""


def owner_labels(owner: Object, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels of a child; none of them is the user's."""
    return {
        labels.MANAGED_BY: labels.OPERATOR,
        labels.KIND: owner["kind"],
        labels.NAME: owner["metadata"]["name"],
        **(extra or {}),
    }


def part_of(owner: Object, name: str, extra: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Metadata of a child that goes when its owner goes."""
    return {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "labels": owner_labels(owner, extra),
        "ownerReferences": [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def owner_uid(obj: Object) -> str:
    """The uid of the controlling owner, or nothing: names are reused, uids are not."""
    references = obj["metadata"].get("ownerReferences", ())
    return next((str(ref["uid"]) for ref in references if ref.get("controller")), "")


def owner_key(obj: Object, _: Cache) -> Iterable[Key]:
    """The key of the object whose labels this child carries, as a watch's `affects`."""
    meta = obj["metadata"]
    marks = meta.get("labels", {})
    if labels.KIND in marks and labels.NAME in marks:
        yield Key(marks[labels.KIND], meta.get("namespace", ""), marks[labels.NAME])
