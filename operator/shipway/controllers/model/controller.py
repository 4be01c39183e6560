"""The edge of the Model reconciler."""

from collections.abc import Iterable, Sequence

from shipway.controllers.model.reconcile import Snapshot, reconcile
from shipway.controllers.tags import of_model
from shipway.kube.resource import INCIDENT, MODEL, MODEL_VERSION, Key, Object
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan


def _model_of_version(obj: Object, _: Cache) -> Iterable[Key]:
    yield Key(MODEL.kind, obj["metadata"]["namespace"], obj["spec"]["modelName"])


def _model_of_incident(obj: Object, _: Cache) -> Iterable[Key]:
    yield Key(MODEL.kind, obj["metadata"]["namespace"], obj["spec"]["model"])


class ModelController(Controller):
    """Keeps a Model's status: versions, aliases with their history, quarantine."""

    resource = MODEL
    watches: Sequence[Watch] = (Watch(MODEL_VERSION, _model_of_version), Watch(INCIDENT, _model_of_incident))

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache knows."""
        model = cache.get(MODEL, key.namespace, key.name)
        if model is None or "deletionTimestamp" in model["metadata"]:
            return None
        return reconcile(
            Snapshot(
                model=model,
                versions=tuple(cache.tagged(MODEL_VERSION, of_model(key.namespace, key.name))),
                incidents=tuple(cache.tagged(INCIDENT, of_model(key.namespace, key.name))),
                now=now,
            )
        )
