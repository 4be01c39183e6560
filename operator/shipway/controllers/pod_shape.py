"""What is decoded of a pod: the fields that `trim_pod` keeps, a sixth of it."""

from typing import Any, TypedDict

from shipway.kube.wire import Metadata


class _Image(TypedDict, total=False):
    image: Any


class _SpecShape(TypedDict, total=False):
    containers: list[_Image]
    nodeName: Any


class _ConditionShape(TypedDict, total=False):
    type: Any
    status: Any
    reason: Any
    message: Any


class _ContainerShape(TypedDict, total=False):
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
    conditions: list[_ConditionShape]
    initContainerStatuses: list[_ContainerShape]
    containerStatuses: list[_ContainerShape]


class PodShape(TypedDict, total=False):
    """What `trim_pod` needs."""

    metadata: Metadata
    spec: _SpecShape
    status: _StatusShape
