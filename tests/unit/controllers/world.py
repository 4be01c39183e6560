"""A world small enough to prove things in: an object store that performs plans write by write and can crash in between.

It plays the API server and the kubelet. What it checks by itself holds in every test that uses it: nothing is deleted
before the reason is recorded, and no pod is created while one of another attempt runs on unbidden.
"""

import copy
import itertools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from shipway.api import labels
from shipway.api.conditions import rfc3339
from shipway.controllers.tags import TAGS
from shipway.crdgen.crd import NEW_STATUS
from shipway.kube.resource import (
    ENDPOINT_SLICE,
    INCIDENT,
    MODEL_VERSION,
    OWN,
    POD,
    SERVICE,
    TRAINING_JOB,
    Key,
    Object,
    Resource,
    key_of,
)
from shipway.runtime.controller import Controller
from shipway.runtime.plan import Apply, Create, Delete, Note, PatchStatus, Plan, Refusal, Write

EPOCH = 1_800_000_000.0


class CrashError(Exception):
    """The operator died after one of its writes."""


class World:
    """Objects, a clock, and the rules of the API server as far as reconcilers lean on them."""

    def __init__(self) -> None:
        self.now = EPOCH
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.notes: list[Note] = []
        self.writes = 0
        self.refusal: Callable[[Write], Refusal | None] = lambda _: None
        self._versions = itertools.count(1)
        self._crash_at: int | None = None

    # What a controller reads.

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.objects.get((resource.kind, namespace, name))

    def list(self, resource: Resource, namespace: str) -> Sequence[Object]:
        return [o for (kind, ns, _), o in self.objects.items() if kind == resource.kind and ns == namespace]

    def owned(self, resource: Resource, owner: Key) -> Sequence[Object]:
        wanted = (owner.kind, owner.name)
        return [o for o in self.list(resource, owner.namespace) if _owner(o) == wanted]

    def tagged(self, resource: Resource, tag: str) -> Sequence[Object]:
        return [o for (kind, _, _), o in self.objects.items() if kind == resource.kind and tag in TAGS[resource](o)]

    def has(self, resource: Resource) -> bool:
        return True

    # What people, the kubelet and the operator do.

    def put(self, obj: Object) -> Object:
        """Create or replace an object as anyone but the operator would."""
        meta = obj["metadata"]
        meta.setdefault("namespace", "team")
        meta.setdefault("uid", f"uid-{next(self._versions):08d}")
        meta.setdefault("generation", 1)
        meta.setdefault("creationTimestamp", rfc3339(self.now))
        meta["resourceVersion"] = str(next(self._versions))
        if obj["kind"] in OWN:
            obj.setdefault("status", copy.deepcopy(NEW_STATUS))
        self.objects[obj["kind"], meta["namespace"], meta["name"]] = obj
        return obj

    def change(self, resource: Resource, name: str, spec: dict[str, Any]) -> None:
        obj = copy.deepcopy(self.objects[resource.kind, "team", name])
        obj.get("spec", obj).update(spec)
        obj["metadata"]["generation"] += 1
        self.put(obj)

    def remove(self, resource: Resource, name: str) -> None:
        self.objects.pop((resource.kind, "team", name), None)

    def pods(self) -> dict[str, Object]:
        return {pod["metadata"]["name"]: pod for pod in self.list(POD, "team")}

    def set_pod(self, name: str, *, deleting: bool = False, node: str = "node-1", **status: Any) -> None:
        pod = copy.deepcopy(self.pods()[name])
        pod["spec"]["nodeName"] = node
        pod["status"] = {**pod.get("status", {}), **status}
        if deleting:
            pod["metadata"]["deletionTimestamp"] = rfc3339(self.now + 30)
        self.put(pod)

    def start(self, name: str) -> None:
        running = [{"name": "c", "state": {"running": {}}}]
        self.set_pod(name, phase="Running", podIP=f"10.0.0.{len(self.pods())}", containerStatuses=running)

    def end(
        self, name: str, *, code: int = 0, message: str = "", reason: str = "", at: float | None = None, **status: Any
    ) -> None:
        finished = rfc3339(self.now if at is None else at)
        ended = {"exitCode": code, "reason": reason or ("Error" if code else "Completed"), "finishedAt": finished}
        state = {"terminated": {**ended, "message": message}}
        phase = "Failed" if code else "Succeeded"
        self.set_pod(name, phase=phase, containerStatuses=[{"name": "c", "state": state}], **status)

    # The operator.

    def step(self, controller: Controller, key: Key, *, crash_after: int | None = None) -> Plan | None:
        """One pass: decide, then perform."""
        plan = _result(controller.plan(key, self, self.now))
        if plan is not None:
            self._crash_at = None if crash_after is None else self.writes + crash_after
            self._perform(controller.resource, key, plan)
        return plan

    def settle(self, controller: Controller, key: Key, *, crash_after: int | None = None, passes: int = 12) -> Plan:
        """Passes until one writes nothing; its plan."""
        self._crash_at = None if crash_after is None else self.writes + crash_after
        for _ in range(passes):
            before = self.writes
            plan = _result(controller.plan(key, self, self.now)) or Plan()
            self._perform(controller.resource, key, plan)
            if self.writes == before:
                return plan
        raise AssertionError(f"{key} still writes after {passes} passes: {plan}")

    def _perform(self, resource: Resource, key: Key, plan: Plan) -> None:
        seen = self.get(resource, key.namespace, key.name)
        for write in plan.writes:
            if refused := self.refusal(write):
                if plan.refused:
                    self._write_status(resource, key, plan.refused(refused), seen)
                return
            if self._write(write):
                self._wrote()
        if plan.status is not None:
            self._write_status(resource, key, plan.status, seen)
        self.notes += plan.events

    def _wrote(self) -> None:
        self.writes += 1
        if self._crash_at is not None and self.writes > self._crash_at:
            self._crash_at = None
            raise CrashError

    def _write(self, write: Write) -> bool:
        match write:
            case Create(_, body):
                return self._create(body)
            case Apply(_, body):
                known = self.get(write.resource, body["metadata"]["namespace"], body["metadata"]["name"])
                body = copy.deepcopy(body)
                body["metadata"]["uid"] = known["metadata"]["uid"] if known else f"uid-{next(self._versions):08d}"
                self.put(body)
                return True
            case Delete(resource, namespace, name, uid):
                return self._delete(resource, namespace, name, uid)
            case PatchStatus():
                raise NotImplementedError
        raise AssertionError(write)

    def _create(self, body: Object) -> bool:
        if self.get(_RESOURCES[body["kind"]], body["metadata"]["namespace"], body["metadata"]["name"]):
            return False
        if body["kind"] == "Pod":
            self._no_other_attempt_runs(body)
        self.put(copy.deepcopy(body))
        return True

    def _delete(self, resource: Resource, namespace: str, name: str, uid: str) -> bool:
        known = self.get(resource, namespace, name)
        if known is None or known["metadata"]["uid"] != uid:
            return False
        self._is_recorded(known)
        doomed = copy.deepcopy(known)
        doomed["metadata"]["deletionTimestamp"] = rfc3339(self.now + 2)
        self.put(doomed)
        return True

    def _write_status(self, resource: Resource, key: Key, status: Object, seen: Object | None) -> None:
        known = self.get(resource, key.namespace, key.name)
        assert known is not None
        assert seen is not None
        if status == known.get("status"):
            return
        assert known["metadata"]["resourceVersion"] == seen["metadata"]["resourceVersion"]
        self.put({**copy.deepcopy(known), "status": copy.deepcopy(status)})
        self._wrote()

    def _no_other_attempt_runs(self, body: Object) -> None:
        attempt = body["metadata"]["labels"].get(labels.ATTEMPT)
        for pod in self.pods().values():
            same_job = _owner(pod) == _owner(body) and _controller(pod) == _controller(body)
            if same_job and _alive(pod):
                assert pod["metadata"]["labels"].get(labels.ATTEMPT) == attempt, "two attempts would run at once"

    def _is_recorded(self, obj: Object) -> None:
        kind, name = _owner(obj)
        if obj["kind"] != "Pod" or kind != TRAINING_JOB.kind or not _controller(obj):
            return
        job = self.get(TRAINING_JOB, obj["metadata"]["namespace"], name)
        assert job is not None
        attempt = int(obj["metadata"]["labels"][labels.ATTEMPT])
        record = next((a for a in job["status"]["attempts"] if a["attempt"] == attempt), None)
        assert record is None or record.get("endedAt"), "a pod is deleted before its attempt's end is recorded"


_RESOURCES = {r.kind: r for r in (POD, SERVICE, ENDPOINT_SLICE, MODEL_VERSION, INCIDENT)}


def conditions(obj: Object) -> dict[str, dict[str, Any]]:
    """Conditions of an object by type."""
    return {c["type"]: c for c in obj.get("status", {}).get("conditions", ())}


def ready(obj: Object) -> tuple[str, str]:
    """Status and reason of the Ready condition."""
    told = conditions(obj)["Ready"]
    return told["status"], told["reason"]


def key(obj: Object) -> Key:
    """The key of an object."""
    return key_of(obj)


def _owner(obj: Object) -> tuple[str, str]:
    marks = obj["metadata"].get("labels", {})
    return marks.get(labels.KIND, ""), marks.get(labels.NAME, "")


def _controller(obj: Object) -> str:
    return next((r["uid"] for r in obj["metadata"].get("ownerReferences", ()) if r.get("controller")), "")


def _alive(pod: Object) -> bool:
    ended = pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return not ended and "deletionTimestamp" not in pod["metadata"]


def _result(coroutine: Coroutine[Any, Any, Plan | None]) -> Plan | None:
    """What a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        plan: Plan | None = stop.value
        return plan
    raise AssertionError("a controller waited")
