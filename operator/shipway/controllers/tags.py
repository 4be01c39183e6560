"""What objects are found by: a namespace may have hundreds of models, and a pass reads what is of one.

Without tags every pass would decode the whole namespace, and a thousand deployments a hundred times more than ten.
"""

from collections.abc import Callable, Iterable, Mapping

from shipway.controllers.servingdeployment.peers import is_waiting
from shipway.integrations.gateway import site_of
from shipway.kube.resource import HTTP_ROUTE, INCIDENT, MODEL_VERSION, SERVING_DEPLOYMENT, Object, Resource


def of_model(namespace: str, name: str) -> str:
    """What is about a model: versions, deployments, incidents."""
    return f"model/{namespace}/{name}"


def waiting_in(namespace: str) -> str:
    """The ServingDeployments of a namespace that a change of another one may let go on."""
    return f"waiting/{namespace}"


def on_site(site: str) -> str:
    """The routes of one host at one Gateway."""
    return f"site/{site}"


def _of_version(obj: Object) -> Iterable[str]:
    yield of_model(obj["metadata"]["namespace"], obj["spec"]["modelName"])


def _of_incident(obj: Object) -> Iterable[str]:
    if model := obj["spec"].get("model"):
        yield of_model(obj["metadata"]["namespace"], model)


def _of_deployment(obj: Object) -> Iterable[str]:
    namespace = obj["metadata"]["namespace"]
    yield of_model(namespace, obj["spec"]["model"])
    if is_waiting(obj):
        yield waiting_in(namespace)


def _of_route(obj: Object) -> Iterable[str]:
    if site := site_of(obj):
        yield on_site(site)


TAGS: Mapping[Resource, Callable[[Object], Iterable[str]]] = {
    MODEL_VERSION: _of_version,
    INCIDENT: _of_incident,
    SERVING_DEPLOYMENT: _of_deployment,
    HTTP_ROUTE: _of_route,
}
"""The tags of an object, by its resource."""
