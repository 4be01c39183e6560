"""How the pods of an attempt find rank 0: by a DNS name that the operator points at its address.

One headless Service without a selector per namespace, and one EndpointSlice per attempt that names rank 0. A Service
per job costs six writes instead of one: its address, the slices and Endpoints that Kubernetes keeps for its selector;
and each of them is compared with every pod of the namespace.
"""

import ipaddress
from typing import Any, TypedDict

from shipway.api import labels
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.owned import owner_labels
from shipway.controllers.pod import Pod
from shipway.kube.resource import ENDPOINT_SLICE, POD, SERVICE, Object
from shipway.kube.shapes import Metadata
from shipway.runtime.plan import Apply, Create, Write

PORT = 29500
SERVICE_NAME = "shipway-rendezvous"
_LEADS = ("addressType", "endpoints")


class SliceShape(TypedDict, total=False):
    """What `trim_slice` needs; an endpoint is compared whole, so that nothing a stranger adds to it stays."""

    metadata: Metadata
    addressType: Any
    endpoints: Any


def trim_slice(obj: Object) -> Object:
    """The part of an EndpointSlice that tells where it leads; its labels stay anyway."""
    return {field: obj[field] for field in _LEADS if field in obj}


def address_of(rank_0: str) -> str:
    """The DNS name of the pod with rank 0, within its namespace.

    Args:
        rank_0: Name of that pod.
    """
    return f"{rank_0}.{SERVICE_NAME}"


def namespace_service(namespace: str) -> Object:
    """The Service all trainings of a namespace share; it belongs to none of them and stays."""
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.kind,
        "metadata": {"name": SERVICE_NAME, "namespace": namespace, "labels": {labels.MANAGED_BY: labels.OPERATOR}},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "ports": [{"name": "rdzv", "port": PORT, "protocol": "TCP", "targetPort": PORT}],
        },
    }


def rank_0_slice(job: Object, pod: Pod) -> Object:
    """The EndpointSlice that gives a pod its name; it goes when the pod goes."""
    version = ipaddress.ip_address(pod.ip).version
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "labels": owner_labels(
                job,
                {
                    "kubernetes.io/service-name": SERVICE_NAME,
                    "endpointslice.kubernetes.io/managed-by": labels.OPERATOR,
                    # Spares every node's proxy this slice: nothing is forwarded, the name alone is used.
                    "service.kubernetes.io/headless": "",
                },
            ),
            "ownerReferences": [
                {
                    "apiVersion": POD.api_version,
                    "kind": POD.kind,
                    "name": pod.name,
                    "uid": pod.uid,
                    "controller": True,
                }
            ],
        },
        "addressType": f"IPv{version}",
        # Ready from the start: pods meet before they are ready, readiness is what meeting leads to.
        "endpoints": [{"addresses": [pod.ip], "hostname": pod.name, "conditions": {"ready": True}}],
        "ports": [{"name": "rdzv", "port": PORT, "protocol": "TCP"}],
    }


def shared_service(job: Object, spec: TrainingJobSpec, service: Object | None) -> tuple[Write, ...]:
    """The write that makes or repairs the namespace's Service, if one is needed."""
    if spec.nodes == 1:
        return ()
    body = namespace_service(job["metadata"]["namespace"])
    if service is None:
        return (Create(SERVICE, body),)
    # Names of pods are answered for any Service that has endpoints, whatever a stranger's edit adds to it.
    return (Apply(SERVICE, body),) if service["spec"].get("type") == "ExternalName" else ()


def meeting_point(job: Object, spec: TrainingJobSpec, rank_0: Pod, known: Object | None) -> tuple[Write, ...]:
    """The write that leads the other pods to rank 0, where nothing does so already.

    Args:
        job: The TrainingJob.
        spec: Its spec.
        rank_0: The pod with rank 0 of the current attempt.
        known: The EndpointSlice with that pod's name, if it is there.
    """
    if spec.nodes == 1 or not rank_0.ip:
        return ()
    body = rank_0_slice(job, rank_0)
    if known is None:
        return (Create(ENDPOINT_SLICE, body),)
    return () if _leads_there(known, body) else (Apply(ENDPOINT_SLICE, body),)


def _leads_there(known: Object, wanted: Object) -> bool:
    marks = known["metadata"].get("labels") or {}
    same_endpoints = all(known.get(field) == wanted[field] for field in _LEADS)
    return same_endpoints and wanted["metadata"]["labels"].items() <= marks.items()
