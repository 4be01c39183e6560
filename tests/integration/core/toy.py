"""A small controller that uses every sort of write, to prove the runtime by: Models that keep pods and a Service.

The annotation `toy/pods` says how many; the status counts them. Each Model also stamps a ModelVersion of its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shipway.api import labels
from shipway.api.conditions import Verdict, merge
from shipway.api.schema import Condition
from shipway.api.v1alpha1.model import ModelStatus
from shipway.kube.resource import INCIDENT, MODEL, POD, SERVICE, Key, Object
from shipway.parts import Parts
from shipway.runtime.cache import owner_of
from shipway.runtime.controller import Cache, Watch
from shipway.runtime.plan import Apply, Create, Delete, Note, PatchStatus, Plan, TerminalError, Write

PODS = "toy/pods"
SELECTOR = f"{labels.MANAGED_BY}={labels.OPERATOR},{labels.KIND}=Model"


def owners(obj: Object, _: Cache) -> list[Key]:
    owner = owner_of(obj)
    return [owner] if owner else []


class ToyController:
    resource = MODEL
    watches: Sequence[Watch] = (
        Watch(POD, owners, selector=SELECTOR),
        Watch(SERVICE, owners, selector=SELECTOR),
        Watch(INCIDENT, lambda obj, _: [Key("Model", obj["metadata"]["namespace"], obj["spec"]["model"])]),
    )

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        model = cache.get(MODEL, key.namespace, key.name)
        if model is None:
            return None
        incident = cache.get(INCIDENT, key.namespace, f"{key.name}-rollback")
        return decide(Snapshot(model, cache.owned(POD, key), cache.owned(SERVICE, key), incident, now))


@dataclass(frozen=True)
class Snapshot:
    model: Object
    pods: Sequence[Object]
    services: Sequence[Object]
    incident: Object | None
    now: float


def decide(snapshot: Snapshot) -> Plan:
    meta = snapshot.model["metadata"]
    text = (meta.get("annotations") or {}).get(PODS, "1")
    if not text.isdecimal():
        raise TerminalError("PodsInvalid", f"annotation {PODS} is {text!r}; write a whole number")
    wanted = [f"{meta['name']}-{index}" for index in range(int(text))]
    mine = [p for p in snapshot.pods if p["metadata"]["ownerReferences"][0]["uid"] == meta["uid"]]
    there = {pod["metadata"]["name"]: pod for pod in mine if "deletionTimestamp" not in pod["metadata"]}
    writes: list[Write] = []
    if not _has_service(snapshot, text):
        writes.append(Apply(SERVICE, service(snapshot.model, text)))
    writes += [Create(POD, pod(snapshot.model, name)) for name in wanted if name not in there]
    writes += [
        Delete(POD, meta["namespace"], name, uid=pod["metadata"]["uid"])
        for name, pod in there.items()
        if name not in wanted
    ]
    if snapshot.incident is not None:
        name = snapshot.incident["metadata"]["name"]
        writes.append(PatchStatus(INCIDENT, meta["namespace"], name, {"observedGeneration": 7}))
    running = sum(there[n].get("status", {}).get("phase") == "Running" for n in wanted if n in there)
    return Plan(tuple(writes), *_tell(snapshot, running, len(wanted)))


def _tell(snapshot: Snapshot, running: int, wanted: int) -> tuple[Object, tuple[Note, ...]]:
    before = ModelStatus.model_validate(snapshot.model.get("status") or {})
    ready = running == wanted
    verdict = Verdict("Ready", ready, "AllRun" if ready else "Waiting", f"{running} of {wanted} pods run")
    generation = snapshot.model["metadata"]["generation"]
    conditions: list[Condition] = merge(before.conditions, [verdict], generation=generation, now=snapshot.now)
    status = ModelStatus(observed_generation=generation, conditions=conditions, versions=wanted).to_wire()
    changed = not before.conditions or before.conditions[0].status != conditions[0].status
    return status, (Note("Normal", verdict.reason, verdict.message),) if changed else ()


def _has_service(snapshot: Snapshot, text: str) -> bool:
    return any(s["metadata"]["annotations"][labels.SPEC_HASH] == f"pods-{text}" for s in snapshot.services)


def pod(model: Object, name: str) -> Object:
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "main", "image": "none", "securityContext": security}
    return child(model, "Pod", name, {"containers": [container], "terminationGracePeriodSeconds": 0})


def service(model: Object, text: str) -> Object:
    spec = {"selector": {labels.NAME: model["metadata"]["name"]}, "ports": [{"port": 80, "protocol": "TCP"}]}
    body = child(model, "Service", model["metadata"]["name"], spec)
    body["metadata"]["annotations"] = {labels.SPEC_HASH: f"pods-{text}"}
    return body


def child(model: Object, kind: str, name: str, spec: dict[str, Any]) -> Object:
    meta = model["metadata"]
    owner = {
        "apiVersion": model["apiVersion"],
        "kind": "Model",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    marks = {labels.MANAGED_BY: labels.OPERATOR, labels.KIND: "Model", labels.NAME: meta["name"]}
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": marks, "ownerReferences": [owner]},
        "spec": spec,
    }


def build(*_: object) -> Parts:
    return Parts(controllers=[ToyController()])
