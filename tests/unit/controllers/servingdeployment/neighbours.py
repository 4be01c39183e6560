"""Other deployments: those that a release comes after, and those that want the same host."""

from shipway.api import labels
from shipway.api.conditions import rfc3339
from shipway.kube.resource import HTTP_ROUTE, Object
from unit.controllers.servingdeployment.world import EPOCH, World, serving_spec


def peer(
    world: World, name: str, version: str, *, model: str = "ranker", state: str = "Completed", ready: str = "Serving",
    after: tuple[str, ...] = (),
) -> Object:  # fmt: skip
    """Another deployment of the namespace."""
    stable = {
        "version": version,
        "digest": "sha256:" + version[-1] * 64,
        "predictorHash": "p",
        "inferenceService": name,
    }
    rollout = {"id": f"{version}-1", "version": version, "inferenceService": name, "state": state, "baseline": "v0"}
    condition = {"type": "Ready", "status": str(ready == "Serving"), "reason": ready, "message": ""}
    status = {"stable": stable, "rollout": rollout | {"startedAt": "2027-01-01T00:00:00Z"}, "conditions": [condition]}
    spec = serving_spec() | {"model": model, "rollout": {"after": [{"name": each} for each in after]}}
    return world.put({"kind": "ServingDeployment", "metadata": {"name": name}, "spec": spec, "status": status})


def route_of_another(
    world: World, *, age: float = -60.0, host: str = "ranker.example.com", gateway: str = "gw"
) -> Object:
    """The route of another deployment, made some seconds after the beginning."""
    spec = {"parentRefs": [{"name": gateway, "namespace": "infra"}], "hostnames": [host]}
    made = {"creationTimestamp": rfc3339(EPOCH + age)}
    meta = {
        "name": "another",
        "namespace": "elsewhere",
        "labels": {labels.KIND: "ServingDeployment", labels.NAME: "another"},
    }
    return world.put({"kind": HTTP_ROUTE.kind, "metadata": meta | made, "spec": spec})
