"""What is decoded of an object where not all of it is wanted."""

from typing import Any, TypedDict


class Metadata(TypedDict, total=False):
    """Of any object, less `managedFields`: only other tools read them, and they are half of a pod."""

    name: str
    generateName: str
    namespace: str
    selfLink: str
    uid: str
    resourceVersion: str
    generation: int
    creationTimestamp: Any
    deletionTimestamp: Any
    deletionGracePeriodSeconds: Any
    labels: Any
    annotations: Any
    ownerReferences: Any
    finalizers: Any


class Incarnation(TypedDict, total=False):
    """Which object it is, and which version of it."""

    name: str
    namespace: str
    uid: str
    resourceVersion: str


class Identity(TypedDict, total=False):
    """A shape with nothing else."""

    metadata: Incarnation
