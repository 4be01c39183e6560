"""The edge of the ModelVersion reconciler."""

from collections.abc import Iterable, Sequence

from shipway.controllers.modelversion import children
from shipway.controllers.modelversion.reconcile import Snapshot, reconcile
from shipway.controllers.owned import SELECTOR, owner_key
from shipway.controllers.pod import read_pod, trim_pod
from shipway.controllers.pod_shape import PodShape
from shipway.controllers.tags import of_model
from shipway.kube.resource import INCIDENT, MODEL, MODEL_VERSION, POD, SERVING_DEPLOYMENT, Key, Object
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan


def _versions_of(namespace: str, model: str, cache: Cache) -> Iterable[Key]:
    for version in cache.tagged(MODEL_VERSION, of_model(namespace, model)):
        yield Key(MODEL_VERSION.kind, namespace, version["metadata"]["name"])


def _by_model(obj: Object, cache: Cache) -> Iterable[Key]:
    return _versions_of(obj["metadata"]["namespace"], obj["metadata"]["name"], cache)


def _by_spec(obj: Object, cache: Cache) -> Iterable[Key]:
    return _versions_of(obj["metadata"]["namespace"], obj["spec"]["model"], cache)


class ModelVersionController(Controller):
    """Has the stored artifact read and its digest compared.

    Args:
        workloads_image: Image of the verify pod.
    """

    resource = MODEL_VERSION
    watches: Sequence[Watch] = (
        Watch(POD, owner_key, selector=SELECTOR, trim=trim_pod, shape=PodShape),
        Watch(MODEL, _by_model),
        Watch(SERVING_DEPLOYMENT, _by_spec),
        Watch(INCIDENT, _by_spec),
    )

    def __init__(self, *, workloads_image: str) -> None:
        self._workloads_image = workloads_image

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache knows."""
        version = cache.get(MODEL_VERSION, key.namespace, key.name)
        if version is None:
            return None
        model = version["spec"]["modelName"]
        pod = cache.get(POD, key.namespace, children.verify_pod_name(key.name))
        return reconcile(
            Snapshot(
                version=version,
                pod=read_pod(pod) if pod else None,
                has_model=cache.get(MODEL, key.namespace, model) is not None,
                deployments=tuple(cache.tagged(SERVING_DEPLOYMENT, of_model(key.namespace, model))),
                incidents=tuple(cache.tagged(INCIDENT, of_model(key.namespace, model))),
                now=now,
                workloads_image=self._workloads_image,
            )
        )
