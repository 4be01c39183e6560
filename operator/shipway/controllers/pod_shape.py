"""What is decoded of a pod: the fields that `trim_pod` keeps, a sixth of it. A bookmark's pod has nulls in them."""

from typing import Any, TypedDict

from shipway.kube.shapes import Metadata


class _Image(TypedDict, total=False):
    image: Any


class _SpecShape(TypedDict, total=False):
    containers: list[_Image] | None
    nodeName: Any


class ConditionShape(TypedDict, total=False):
    """What is kept of a condition."""

    type: Any
    status: Any
    reason: Any
    message: Any


class ContainerShape(TypedDict, total=False):
    """What is kept of a container's status."""

    name: Any
    state: Any
    lastState: Any
    ready: Any
    restartCount: Any


class _StatusShape(TypedDict, total=False):
    phase: Any
    reason: Any
    message: Any
    podIP: Any
    conditions: list[ConditionShape] | None
    initContainerStatuses: list[ContainerShape] | None
    containerStatuses: list[ContainerShape] | None


class PodShape(TypedDict, total=False):
    """What `trim_pod` needs."""

    metadata: Metadata
    spec: _SpecShape | None
    status: _StatusShape | None
