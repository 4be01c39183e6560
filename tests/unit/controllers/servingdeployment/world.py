"""The release machine's operator at work in its surroundings, and what people ask of it.

The operator performs its plans write by write and may crash between any two. What must hold of every write whatever
happens (writes.py) is checked here, so it holds in every test that uses this.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from shipway.api import labels
from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.controllers.servingdeployment.controller import ServingDeploymentController
from shipway.controllers.servingdeployment.inquiries import Inquirer
from shipway.integrations.budgets import PERIOD_SECONDS, BudgetFollower, Budgets, Duty
from shipway.integrations.counters import CounterBoard, Following
from shipway.integrations.inquiries import InquiryBoard
from shipway.integrations.prometheus import Prometheus
from shipway.integrations.tally import Assignment, Follower, Reading
from shipway.integrations.webhook import Webhooks
from shipway.kube.resource import (
    HTTP_ROUTE,
    INCIDENT,
    Key,
    Object,
)
from shipway.runtime.plan import Apply, Create, Delete, Note, PatchStatus, Plan, Refusal, Write
from unit.controllers.servingdeployment.desk import Desk, Strangers
from unit.controllers.servingdeployment.surroundings import EPOCH, TICK, Surroundings, mirror_of, weights_of
from unit.controllers.servingdeployment.writes import check

KEY = Key("ServingDeployment", "team", "ranker")
STEPS = [
    {"setWeight": 5},
    {"pause": {"seconds": 10}},
    {"setWeight": 25},
    {"pause": {"seconds": 30}},
    {"setWeight": 50},
    {"pause": {"seconds": 10}},
]
A = TypeVar("A")
R = TypeVar("R")
GATES = [{"name": "errors", "type": "ErrorRate", "margin": "0.01", "minSamples": 20}]


class CrashError(Exception):
    """The operator died after one of its writes."""


class Board(Generic[A, R]):
    """A counter board without HTTP: reads the world's pods when told to, and as often as it should."""

    def __init__(
        self, world: World, begin: Callable[[A, Callable[[], float]], Following[A, R]], period: float = TICK
    ) -> None:
        self._world = world
        self._begin = begin
        self._period = period
        self._followers: dict[Key, Following[A, R]] = {}

    def follow(self, key: Key, assignment: A) -> None:
        if key not in self._followers:
            self._followers[key] = self._begin(assignment, lambda: self._world.monotonic)
        self._followers[key].assign(assignment)

    def forget(self, key: Key) -> None:
        self._followers.pop(key, None)

    def reading(self, key: Key) -> R | None:
        follower = self._followers.get(key)
        return follower.reading() if follower else None

    def reading_of(self) -> R:
        """The reading of the one release there is."""
        reading = self.reading(KEY)
        assert reading is not None
        return reading

    def look(self) -> None:
        if self._world.monotonic % self._period:
            return
        for follower in self._followers.values():
            follower.take({target: self._world.counters(target.pod) for target in follower.targets})


class World(Surroundings):
    """The operator, and everyone else.

    Attributes:
        refuse: Kind of which the API server refuses every write.
        strangers: Whom gates ask.
        knows_prometheus: Whether the operator does; looked at when it starts.
        after_write: Called with the world after each write of the operator.
    """

    def __init__(self, **spec: Any) -> None:
        super().__init__()
        self.refuse = ""
        self.notes: list[Note] = []
        self.log: list[tuple[float, str]] = []
        self.statuses: list[ServingDeploymentStatus] = []
        self.writes = 0
        self.crash_at: int | None = None
        self.crashes = 0
        self.after_write: Callable[[World], None] = lambda _: None
        self._routes: list[dict[str, int]] = []
        self._mirrors: list[str] = []
        self.max_candidates = 0
        self.strangers = Strangers()
        self.knows_prometheus = True
        self.restart_operator()
        self.put(_object("Model", "ranker", {"owner": {"team": "reco", "onCall": "reco-pager"}, "tier": "Critical"}))
        for version in ("v1", "v2", "v3", "v4"):
            self.put(model_version(version))
        wanted = {name: value for name, value in (serving_spec() | spec).items() if value is not None}
        self.put(_object("ServingDeployment", "ranker", wanted))

    # The operator.

    def restart_operator(self) -> None:
        self.board = Board(self, Follower)
        self.budgets = Board(self, BudgetFollower, PERIOD_SECONDS)
        self.desk = Desk(lambda: self.now)
        prometheus = cast("Prometheus", self.strangers) if self.knows_prometheus else None
        self.controller = ServingDeploymentController(
            counters=cast("CounterBoard[Assignment, Reading]", self.board),
            budgets=cast("CounterBoard[Duty, Budgets]", self.budgets),
            inquirer=Inquirer(cast("InquiryBoard", self.desk), cast("Webhooks", self.strangers), prometheus),
            max_candidates=self.max_candidates,
        )

    def without_operator(self) -> World:
        """A copy of the world in which the operator has died this moment, in the midst of whatever it was doing."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict):
                setattr(other, name, copy.deepcopy(value))
            elif isinstance(value, list | set):
                setattr(other, name, copy.copy(value))
        other.after_write, other.crashes = lambda _: None, self.crashes + 1
        return other

    def go_on(self) -> None:
        """Another operator takes over where one died, before anything else happens."""
        self.restart_operator()
        self.reconcile()
        self.reconcile_gateway()

    def reconcile(self, passes: int = 20) -> None:
        """Passes until one decides nothing; a crash ends the operator and another one goes on."""
        for _ in range(passes):
            before = self.writes
            try:
                self._pass()
            except CrashError:
                self.crashes += 1
                self.restart_operator()
                continue
            if self.writes == before:
                return
        raise AssertionError(f"still writes after {passes} passes: {self.log[-8:]}")

    def _pass(self) -> None:
        coroutine = self.controller.plan(KEY, self, self.now)
        try:
            coroutine.send(None)
        except StopIteration as done:
            plan: Plan | None = done.value
        assert plan is not None
        seen = self.sdep["metadata"]["resourceVersion"]
        fresh = self.board.reading(KEY)
        for number, write in enumerate(plan.writes, start=1):
            if write.resource.kind == self.refuse and plan.refused:
                for later in plan.writes[number:]:
                    if isinstance(later, Create) and later.regardless:
                        self._write(later)
                self._write_status(plan.refused(Refusal(write, invalid=False, message="quota exceeded")), seen)
                return
            check(self, write, fresh)
            self._write(write)
        self._write_status(plan.status, seen)
        self.notes += plan.events

    def _write(self, write: Write) -> None:
        match write:
            case Create(_, body):
                if (body["kind"], body["metadata"]["name"]) in self.objects:
                    return
                self.put(copy.deepcopy(body))
            case Apply(resource, body):
                if resource == HTTP_ROUTE:
                    self._routes.append(weights_of(body))
                    self._mirrors.append(mirror_of(body))
                self._apply(copy.deepcopy(body))
            case Delete(resource, _, name, uid):
                known = self.find(resource, name)
                if known is None or known["metadata"]["uid"] != uid:
                    return
                del self.objects[resource.kind, name]
            case PatchStatus(resource, _, name, patch):
                known = copy.deepcopy(self.find(resource, name))
                assert known is not None
                known["status"] = {**known.get("status", {}), **copy.deepcopy(dict(patch))}
                self.put(known)
        self._wrote(f"{type(write).__name__} {write.resource.kind} {_name(write)}")

    def _apply(self, body: Object) -> None:
        known = self.objects.get((body["kind"], body["metadata"]["name"]))
        if known is not None:
            wanted = body["metadata"].get("resourceVersion", known["metadata"]["resourceVersion"])
            assert wanted == known["metadata"]["resourceVersion"], "conflict"
            body["metadata"]["uid"] = known["metadata"]["uid"]
            body["metadata"]["generation"] = known["metadata"]["generation"] + (body["spec"] != known["spec"])
            body["status"] = known.get("status", {})
        self.put(body)

    def _write_status(self, status: Object | None, seen: str) -> None:
        sdep = self.sdep
        if status is None or status == sdep.get("status"):
            return
        assert sdep["metadata"]["resourceVersion"] == seen
        parsed = ServingDeploymentStatus.model_validate(status)
        assert parsed.to_wire() == status
        self.put({**sdep, "status": copy.deepcopy(status)})
        self.statuses.append(parsed)
        rollout = parsed.rollout
        state = f"{rollout.state} {rollout.version} {rollout.step_index} {rollout.weights.desired}" if rollout else "-"
        self._wrote(f"Status {state}")

    def _wrote(self, what: str) -> None:
        self.writes += 1
        self.log.append((self.now - EPOCH, what))
        self.after_write(self)
        if self.crash_at is not None and self.writes >= self.crash_at:
            self.crash_at = None
            raise CrashError

    # What people do, and see.

    def change(self, **spec: Any) -> None:
        """The user edits the spec."""
        sdep = copy.deepcopy(self.sdep)
        sdep["spec"] |= spec
        sdep["metadata"]["generation"] += 1
        self.put(sdep)

    def limit(self, candidates: int) -> None:
        """The operator is restarted with a limit on versions beside others."""
        self.max_candidates = candidates
        self.restart_operator()

    def act(self, verb: str, *, id_: str = "", reason: str = "because", by: str = "ada", to: str = "") -> None:
        """The user sets the verb's annotations."""
        sdep = copy.deepcopy(self.sdep)
        notes = {labels.ACTION: verb, labels.ACTION_REASON: reason, labels.ACTION_BY: by}
        named = {labels.ACTION_ID: id_, labels.ACTION_TO: to}
        sdep["metadata"]["annotations"] = notes | {name: text for name, text in named.items() if text}
        self.put(sdep)

    def tick(self) -> None:
        """A quarter of a second: pods start, the gateway looks, people ask, the board reads, the operator works."""
        self._time_passes()
        self._kserve()
        self.reconcile_gateway()
        self._traffic()
        self.board.look()
        self.budgets.look()
        self.desk.look()
        self.reconcile()
        self.reconcile_gateway()

    def tick_without_operator(self) -> None:
        """A quarter of a second with the operator down."""
        self._time_passes()
        self._kserve()
        self._traffic()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.tick()

    def until(self, holds: Callable[[], bool], *, within: float = 120.0) -> float:
        """Tick until it holds; the seconds it took."""
        began = self.now
        while not holds():
            assert self.now - began < within, f"not within {within} s: {self.status.summary!r} {self.log[-5:]}"
            self.tick()
        return self.now - began

    def release(self, version: str) -> None:
        """Release a version to the end."""
        self.change(version=version)
        self.until(lambda: self.serves(version), within=300)

    @property
    def sdep(self) -> Object:
        return self.objects["ServingDeployment", "ranker"]

    @property
    def status(self) -> ServingDeploymentStatus:
        return ServingDeploymentStatus.model_validate(self.sdep.get("status") or {})

    def serves(self, version: str) -> bool:
        """Whether a version is trusted and has all the traffic."""
        stable = self.status.stable
        return stable is not None and stable.version == version and self.ready() == ("True", "Serving")

    def state(self) -> str:
        return self.status.rollout.state if self.status.rollout else ""

    def ready(self) -> tuple[str, str]:
        return self.condition("Ready")

    def condition(self, type_: str) -> tuple[str, str]:
        found = next((c for c in self.status.conditions if c.type == type_), None)
        return (found.status, found.reason) if found else ("", "")

    def is_mirrored(self, version: str) -> bool:
        """Whether a version gets a copy of every request."""
        return f"-{version}-" in self.mirror()

    def mirrorings(self, version: str) -> list[bool]:
        """Whether a version was mirrored in each of the routes the operator has written."""
        return [f"-{version}-" in name for name in self._mirrors]

    def share(self, version: str) -> int:
        """Percent of the traffic of a version."""
        return sum(share for name, share in self.shares().items() if f"-{version}-" in name)

    def route_shares(self, version: str) -> list[int]:
        """The shares of a version in all routes the operator has written."""
        return [sum(w for name, w in weights.items() if f"-{version}-" in name) for weights in self._routes]

    @property
    def routes(self) -> Sequence[tuple[dict[str, int], str]]:
        """The shares and the mirror of all routes the operator has written."""
        return list(zip(self._routes, self._mirrors, strict=True))

    def incidents(self) -> Sequence[Object]:
        return self.list(INCIDENT, "team")


def serving_spec() -> dict[str, Any]:
    return {
        "model": "ranker",
        "version": "v1",
        "host": "ranker.example.com",
        "gateway": {"name": "gw", "namespace": "infra"},
        "predictor": {"minReplicas": 1, "maxReplicas": 4},
        "rollout": {"steps": STEPS, "gates": GATES, "bakeSeconds": 20},
    }


def model_version(version: str) -> Object:
    body = _object(
        "ModelVersion",
        f"ranker-{version}",
        {
            "modelName": "ranker",
            "version": version,
            "source": {"uri": f"s3://models/ranker/{version}"},
            "digest": "sha256:" + version[-1] * 64,
            "format": {"name": "shipway-ranker", "version": "1"},
            "evaluation": [{"name": "auc", "value": "0.8"}],
        },
    )
    ready = {"type": "Ready", "status": "True", "reason": "Verified", "lastTransitionTime": rfc3339(EPOCH)}
    return {**body, "status": {"conditions": [ready]}}


def _object(kind: str, name: str, spec: dict[str, Any]) -> Object:
    return {"apiVersion": "shipway.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _name(write: Write) -> str:
    if isinstance(write, Create | Apply):
        return str(write.body["metadata"]["name"])
    return write.name
