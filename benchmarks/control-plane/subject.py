"""What a subject is: how to make one object of a kind, what comes of it, and when it says that it is ready."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from players import Player

from harness.lab import Lab
from shipway.kube.resource import Object, Resource

Spec = dict[str, Any]
PODS = 2
"""Of one training."""


@dataclass(frozen=True)
class Need:
    """Something that must be there before an object is created.

    Attributes:
        resource: Where it is.
        body: All of it.
        condition: A condition it must report by then; empty where being there is enough.
    """

    resource: Resource
    body: Object
    condition: str = ""


def _nothing(_name: str, _namespace: str) -> tuple[Need, ...]:
    return ()


@dataclass(frozen=True)
class Subject:
    """One kind under test.

    Attributes:
        name: As on the command line and in the results.
        resource: Where its objects are.
        body: Makes the spec of an object from its name.
        ready: Whether an object reports that all that comes of it is ready.
        pod_label: Label that its pods have and no others.
        pods: How many pods come of each object.
        children: What else comes of each object: one of each, made for nobody else.
        labels: Labels of an object.
        ours: Whether our operator makes what comes of it.
        parts: Parts of the lab that exist for it alone; their processor time is its operators' time.
        prepare: Readies a lab for it, before any operator starts.
        needs: What an object of that name, in that namespace, must find there.
        players: Who answers to what our operator makes; their work is the driver's and is not counted.
        sizes: How many objects are made where nothing else is asked for: as many as it can carry in minutes.
    """

    name: str
    resource: Resource
    body: Callable[[str], Spec]
    ready: Callable[[Object], bool]
    pod_label: str
    pods: int = PODS
    children: tuple[Resource, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ours: bool = False
    parts: tuple[str, ...] = ()
    prepare: Callable[[Lab], Awaitable[None]] | None = None
    needs: Callable[[str, str], tuple[Need, ...]] = _nothing
    players: tuple[Player, ...] = ()
    sizes: tuple[int, ...] = (200, 1000)

    def make(self, name: str, namespace: str) -> Object:
        """An object of that name."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "metadata": {"name": name, "namespace": namespace, **labels},
            "spec": self.body(name),
        }


def same(spec: Callable[[], Spec]) -> Callable[[str], Spec]:
    """The body of a kind whose objects differ in nothing but their names."""
    return lambda _: spec()


def reports(obj: Object, condition: str) -> bool:
    """Whether a condition of an object is true."""
    conditions = obj.get("status", {}).get("conditions") or ()
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def is_ready(obj: Object) -> bool:
    """What our kinds report when all is well."""
    return reports(obj, "Ready")
