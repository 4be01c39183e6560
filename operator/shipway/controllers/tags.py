"""What objects are found by: a namespace may have hundreds of models, and a pass reads what is of one.

Without tags every pass would decode the whole namespace, and a thousand deployments a hundred times more than ten.
"""

from collections.abc import Callable, Iterable, Mapping

from shipway.controllers.servingdeployment.peers import is_waiting
from shipway.kube.resource import INCIDENT, MODEL_VERSION, SERVING_DEPLOYMENT, Object, Resource

WAITS_FOR_OTHERS = "waits-for-others"
"""A ServingDeployment that a change of another one may let go on."""


def of_model(name: str) -> str:
    """The tag of what is about a model: versions, deployments, incidents."""
    return f"model/{name}"


def _of_version(obj: Object) -> Iterable[str]:
    yield of_model(obj["spec"]["modelName"])


def _of_incident(obj: Object) -> Iterable[str]:
    if model := obj["spec"].get("model"):
        yield of_model(model)


def _of_deployment(obj: Object) -> Iterable[str]:
    yield of_model(obj["spec"]["model"])
    if is_waiting(obj):
        yield WAITS_FOR_OTHERS


TAGS: Mapping[Resource, Callable[[Object], Iterable[str]]] = {
    MODEL_VERSION: _of_version,
    INCIDENT: _of_incident,
    SERVING_DEPLOYMENT: _of_deployment,
}
"""The tags of an object, by its resource."""
