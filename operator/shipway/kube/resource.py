"""Which resources there are and where they live."""

from typing import Any, NamedTuple

from shipway.api.schema import GROUP, VERSION, Kind
from shipway.api.v1alpha1 import KINDS

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON."""


class Resource(NamedTuple):
    """A resource type with its place in the API. A tuple, as a key is: the cache looks it up ten times an object."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, an object or one of its subresources; all namespaces without `namespace`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        parts.extend(part for part in (name, subresource) if part)
        return "/".join(parts)


class Key(NamedTuple):
    """The identity of an object: what the work queue holds and nothing more."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


def own(kind: Kind) -> Resource:
    """The resource of one of our kinds."""
    return Resource(GROUP, VERSION, kind.plural, kind.kind, kind.namespaced)


OWN: dict[str, Resource] = {kind.kind: own(kind) for kind in KINDS}
TRAINING_JOB = OWN["TrainingJob"]
MODEL = OWN["Model"]
MODEL_VERSION = OWN["ModelVersion"]
SERVING_DEPLOYMENT = OWN["ServingDeployment"]
INCIDENT = OWN["Incident"]
TEAM = OWN["Team"]

NAMESPACE = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
POD = Resource("", "v1", "pods", "Pod")
SERVICE = Resource("", "v1", "services", "Service")
ENDPOINT_SLICE = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENT = Resource("events.k8s.io", "v1", "events", "Event")
LEASE = Resource("coordination.k8s.io", "v1", "leases", "Lease")
TOKEN_REVIEW = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False)
SUBJECT_ACCESS_REVIEW = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)
CRD = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
INFERENCE_SERVICE = Resource("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
HTTP_ROUTE = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")


def key_of(obj: Object) -> Key:
    """The key of an object."""
    meta = obj["metadata"]
    return Key(obj["kind"], meta.get("namespace", ""), meta["name"])
