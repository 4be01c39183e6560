"""Kueue's queues: for each namespace one of its own, with more quota than it will ever use."""

from subject import Need

from shipway.kube.resource import Resource

QUEUE = "ample"
IN_QUEUE = {"kueue.x-k8s.io/queue-name": QUEUE}
"""Labels of an object that waits in it."""
_API = ("kueue.x-k8s.io", "v1beta2")
FLAVOR = Resource(*_API, "resourceflavors", "ResourceFlavor", namespaced=False)
CLUSTER_QUEUE = Resource(*_API, "clusterqueues", "ClusterQueue", namespaced=False)
LOCAL_QUEUE = Resource(*_API, "localqueues", "LocalQueue")
WORKLOAD = Resource(*_API, "workloads", "Workload")
_ANY = "any"
_QUOTA = {"cpu": "10k", "memory": "10Ti"}


def queues(_name: str, namespace: str) -> tuple[Need, ...]:
    """The queue of a namespace, behind it the quota, and the flavor all quotas are of."""
    quotas = [{"name": resource, "nominalQuota": quota} for resource, quota in _QUOTA.items()]
    group = {"coveredResources": list(_QUOTA), "flavors": [{"name": _ANY, "resources": quotas}]}
    return (
        _need(FLAVOR, {"name": _ANY}),
        _need(CLUSTER_QUEUE, {"name": namespace}, {"namespaceSelector": {}, "resourceGroups": [group]}, "Active"),
        _need(LOCAL_QUEUE, {"name": QUEUE, "namespace": namespace}, {"clusterQueue": namespace}, "Active"),
    )


def _need(resource: Resource, metadata: dict[str, str], spec: object = None, condition: str = "") -> Need:
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
    return Need(resource, body if spec is None else {**body, "spec": spec}, condition)
