"""Kubernetes objects that several parts apply."""

from __future__ import annotations

import json
from typing import Any

from shipway_lab.artifacts.golang import GoModuleManifests
from shipway_lab.lab import Lab


def load(lab: Lab, artifact: GoModuleManifests) -> list[dict[str, Any]]:
    """The objects of a list in the cache."""
    objects: list[dict[str, Any]] = json.loads(lab.artifact(artifact.name).read_text())
    return objects


def namespace(name: str) -> dict[str, Any]:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service_at(
    name: str, in_namespace: str, *, address: str, port: int, target_port: int, port_name: str
) -> list[dict[str, Any]]:
    """A service for a process of the lab that is no pod: no selector, and the endpoint written by hand."""
    metadata = {"name": name, "namespace": in_namespace}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": port_name, "port": port, "targetPort": target_port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": port_name, "port": target_port, "protocol": "TCP"}],
        },
    ]
