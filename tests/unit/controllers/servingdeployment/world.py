"""A cluster in a hundred lines for the release machine: API server, KServe, gateway and traffic, all on one clock.

The operator performs its plans write by write and may crash between any two. What must hold of every write whatever
happens is checked here, so it holds in every test that uses this.
"""

from __future__ import annotations

import copy
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, cast

from shipway.analysis.bins import Bins, Scores
from shipway.analysis.labels import NO_LABELS, Cohort, Labelled
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.ratio import Ratio
from shipway.api import labels
from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentStatus
from shipway.controllers.servingdeployment.children import ROLLED_BACK
from shipway.controllers.servingdeployment.controller import ServingDeploymentController
from shipway.controllers.servingdeployment.inquiries import Inquirer
from shipway.controllers.tags import TAGS
from shipway.integrations.counters import CounterBoard
from shipway.integrations.inquiries import InquiryBoard
from shipway.integrations.prometheus import Prometheus
from shipway.integrations.tally import Assignment, Counters, Follower, Reading
from shipway.integrations.webhook import Webhooks
from shipway.kube.resource import (
    HTTP_ROUTE,
    INCIDENT,
    INFERENCE_SERVICE,
    POD,
    Key,
    Object,
    Resource,
)
from shipway.runtime.plan import Apply, Create, Delete, Note, PatchStatus, Plan, Refusal, Write
from unit.controllers.servingdeployment.desk import Desk, Strangers

EPOCH = 1_800_000_000.0
TICK = 0.25
KEY = Key("ServingDeployment", "team", "ranker")
BUCKETS = Buckets(0.001, 1.25, 40)
STEPS = [
    {"setWeight": 5},
    {"pause": {"seconds": 10}},
    {"setWeight": 25},
    {"pause": {"seconds": 30}},
    {"setWeight": 50},
    {"pause": {"seconds": 10}},
]
GATES = [{"name": "errors", "type": "ErrorRate", "margin": "0.01", "minSamples": 20}]


class CrashError(Exception):
    """The operator died after one of its writes."""


class Board:
    """The counter board without HTTP: reads the world's pods when told to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._followers: dict[Key, Follower] = {}

    def follow(self, key: Key, assignment: Assignment) -> None:
        if key not in self._followers:
            self._followers[key] = Follower(assignment, lambda: self._world.monotonic)
        self._followers[key].assign(assignment)

    def forget(self, key: Key) -> None:
        self._followers.pop(key, None)

    def reading(self, key: Key) -> Reading | None:
        follower = self._followers.get(key)
        return follower.reading() if follower else None

    def reading_of(self) -> Reading:
        """The reading of the one release there is."""
        reading = self.reading(KEY)
        assert reading is not None
        return reading

    def look(self) -> None:
        for follower in self._followers.values():
            follower.take({target: self._world.counters(target.pod) for target in follower.targets})


class World:
    """Objects, a clock, and everyone but the operator.

    Attributes:
        boot: Seconds a pod takes to be ready, by version.
        errors: Share of answers with status 5xx, by version; may change at any time.
        slow: Share of answers that take a second, by version.
        lost: Share of requests that get lost on the way, uncounted, by version.
        worth: What every answer says that it is worth, by version; a version with none says nothing.
        outcome: What every answer predicts and the share of those that come true, by version; none has no labels.
        scores: Shares of the predictions in bins, by version; a version with none does not count its predictions.
        labels_late: Seconds from an answer until it is known whether what it predicted came true.
        rate: Requests per second.
        complaint: What reading a predictor's counters ends with; empty where they can be read.
        mirrors_work: Whether the gateway knows how to mirror.
        refuse: Kind of which the API server refuses every write.
        strangers: Whom gates ask.
        knows_prometheus: Whether the operator does; looked at when it starts.
    """

    def __init__(self, **spec: Any) -> None:
        self.now = EPOCH
        self.monotonic = 0.0
        self.objects: dict[tuple[str, str], Object] = {}
        self.boot: dict[str, float] = defaultdict(lambda: 2.0)
        self.errors: dict[str, float] = defaultdict(float)
        self.slow: dict[str, float] = defaultdict(float)
        self.lost: dict[str, float] = defaultdict(float)
        self.worth: dict[str, float | None] = defaultdict(lambda: None)
        self.outcome: dict[str, tuple[float, float] | None] = defaultdict(lambda: None)
        self.scores: dict[str, Sequence[float]] = defaultdict(lambda: (0.1,) * 10)
        self.labels_late = 0.0
        self.rate = 50.0
        self.gateway_works = True
        self.complaint = ""
        self.mirrors_work = True
        self.absent: set[str] = set()
        self.refuse = ""
        self.notes: list[Note] = []
        self.log: list[tuple[float, str]] = []
        self.statuses: list[ServingDeploymentStatus] = []
        self.writes = 0
        self.crash_at: int | None = None
        self.crashes = 0
        self._routes: list[dict[str, int]] = []
        self._mirrors: list[str] = []
        self._counts: dict[str, list[float]] = {}
        self._predicted: dict[str, list[float]] = {}
        self._worth: dict[str, Ratio] = defaultdict(Ratio)
        self._made: dict[str, Counter[float]] = defaultdict(Counter)
        self._due: dict[str, float] = defaultdict(float)
        self.max_candidates = 0
        self.strangers = Strangers()
        self.knows_prometheus = True
        self._versions = itertools.count(1)
        self.restart_operator()
        self.put(_object("Model", "ranker", {"owner": {"team": "reco", "onCall": "reco-pager"}, "tier": "Critical"}))
        for version in ("v1", "v2", "v3", "v4"):
            self.put(model_version(version))
        wanted = {name: value for name, value in (serving_spec() | spec).items() if value is not None}
        self.put(_object("ServingDeployment", "ranker", wanted))

    # The operator.

    def restart_operator(self) -> None:
        self.board = Board(self)
        self.desk = Desk(lambda: self.now)
        prometheus = cast("Prometheus", self.strangers) if self.knows_prometheus else None
        self.controller = ServingDeploymentController(
            counters=cast("CounterBoard", self.board),
            inquirer=Inquirer(cast("InquiryBoard", self.desk), cast("Webhooks", self.strangers), prometheus),
            max_candidates=self.max_candidates,
        )

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
        for write in plan.writes:
            if write.resource.kind == self.refuse and plan.refused:
                self._write_status(plan.refused(Refusal(write, invalid=False, message="quota exceeded")), seen)
                return
            self._check(write, fresh)
            self._write(write)
        self._write_status(plan.status, seen)
        self.notes += plan.events

    def _write(self, write: Write) -> None:
        match write:
            case Create(_, body):
                if (body["kind"], body["metadata"]["name"]) in self.objects:
                    return
                self.put(copy.deepcopy(body))
            case Apply(_, body):
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
        if self.crash_at is not None and self.writes >= self.crash_at:
            self.crash_at = None
            raise CrashError

    # What must hold of every write.

    def _check(self, write: Write, reading: Reading | None) -> None:
        if isinstance(write, Apply) and write.resource == HTTP_ROUTE:
            self._check_route(write.body, reading)
        if isinstance(write, Create) and write.resource == INCIDENT and write.body["spec"]["type"] == "GateError":
            assert not write.body["spec"]["quarantine"], "a version is held since nobody could measure"
        elif isinstance(write, Create) and write.resource == INCIDENT and write.body["spec"]["gate"] != "undo":
            rollout = self.status.rollout
            assert rollout is not None
            share = self.shares().get(rollout.inference_service, 0)
            assert share == 0, "an Incident is written while the bad version still gets traffic"
            assert self.mirror() != rollout.inference_service, "an Incident is written while it is still mirrored"

        if isinstance(write, Delete):
            assert write.name not in self._needed(), "a version that is needed is deleted"
            assert write.name not in self.shares(), "a version that the gateway knows of is deleted"
            assert write.name != self.mirror(), "a version that is mirrored is deleted"

    def _check_route(self, body: Object, reading: Reading | None) -> None:
        backends = body["spec"]["rules"][0]["backendRefs"]
        weights = {ref["name"].removesuffix("-predictor"): ref["weight"] for ref in backends}
        self._routes.append(weights)
        mirror = _mirror_of(body)
        self._mirrors.append(mirror)
        assert sum(weights.values()) == 100
        assert not mirror or weights[mirror] == 0, f"{mirror} is mirrored and answers as well"
        for name in weights:
            assert self.ready_pods(name), f"traffic for {name}, which has no ready pod"
        rollout, spec = self.status.rollout, self.sdep["spec"]["rollout"]
        for name in set(weights) - set(self.shares()):
            assert name in self._needed(), f"{name} joins the route, and nobody needs it"
        if "resourceVersion" in body["metadata"]:
            self._check_newcomer(weights)
        counting = [gate for gate in spec.get("gates", ()) if gate["type"] not in {"PromQL", "Webhook"}]
        if rollout is None or rollout.undo or not rollout.baseline or not counting:
            return
        if ROLLED_BACK in str(body["metadata"]):
            return
        raised = weights.get(rollout.inference_service, 0) > self.shares().get(rollout.inference_service, 0)
        under_way = rollout.state in {"Stepping", "Paused"}
        stable = self.status.stable
        if raised and under_way and stable and self.ready_pods(stable.inference_service):
            assert reading is not None
            assert reading.fresh, "the route is raised without fresh evidence"

    def _needed(self) -> set[str]:
        status = self.status
        return {ref.inference_service for ref in (status.stable, status.candidate, status.rollback_target) if ref}

    def _check_newcomer(self, weights: dict[str, int]) -> None:
        """Who gets its first share is known to the gateway, unless nobody else would answer."""
        known = self.shares()
        if not known or not all(self.ready_pods(other) for other, share in known.items() if share):
            return
        for name in (name for name, weight in weights.items() if weight):
            assert name in known, f"{name} gets {weights[name]} % before the gateway knows of it"

    # What the controller reads.

    def get(self, resource: Resource, _: str, name: str) -> Object | None:
        return self.objects.get((resource.kind, name))

    def list(self, resource: Resource, _: str) -> Sequence[Object]:
        return [obj for (kind, _), obj in self.objects.items() if kind == resource.kind]

    def owned(self, resource: Resource, owner: Key) -> Sequence[Object]:
        return [
            obj
            for obj in self.list(resource, owner.namespace)
            if obj["metadata"].get("labels", {}).get(labels.NAME) == owner.name
        ]

    def tagged(self, resource: Resource, tag: str) -> Sequence[Object]:
        return [obj for obj in self.list(resource, "") if tag in TAGS[resource](obj)]

    def has(self, resource: Resource) -> bool:
        return resource.kind not in self.absent

    @property
    def metrics_work(self) -> bool:
        """Whether the predictors' counters can be read."""
        return not self.complaint

    @metrics_work.setter
    def metrics_work(self, work: bool) -> None:
        self.complaint = "" if work else "connection refused"

    # Everyone else.

    def put(self, obj: Object) -> Object:
        meta = obj["metadata"]
        meta.setdefault("namespace", "team")
        meta.setdefault("generation", 1)
        meta.setdefault("uid", f"uid-{next(self._versions)}")
        meta.setdefault("creationTimestamp", rfc3339(self.now))
        meta["resourceVersion"] = str(next(self._versions))
        self.objects[obj["kind"], meta["name"]] = obj
        return obj

    def find(self, resource: Resource, name: str) -> Object | None:
        return self.objects.get((resource.kind, name))

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
        self.desk.look()
        self.reconcile()
        self.reconcile_gateway()

    def tick_without_operator(self) -> None:
        """A quarter of a second with the operator down."""
        self._time_passes()
        self._kserve()
        self._traffic()

    def _time_passes(self) -> None:
        self.now += TICK
        self.monotonic += TICK

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

    def shares(self) -> dict[str, int]:
        route = self.find(HTTP_ROUTE, "ranker")
        refs = route["spec"]["rules"][0]["backendRefs"] if route else []
        return {ref["name"].removesuffix("-predictor"): ref["weight"] for ref in refs}

    def mirror(self) -> str:
        """The InferenceService that gets a copy of every request."""
        route = self.find(HTTP_ROUTE, "ranker")
        return _mirror_of(route) if route else ""

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

    def services(self) -> dict[str, Object]:
        return {o["metadata"]["name"]: o for o in self.list(INFERENCE_SERVICE, "team")}

    def service_of(self, version: str) -> str:
        return next(name for name in self.services() if f"-{version}-" in name)

    def incidents(self) -> Sequence[Object]:
        return self.list(INCIDENT, "team")

    def ready_pods(self, service: str) -> list[str]:
        return [name for name, pod in self._pods(service).items() if pod["status"]["conditions"][0]["status"] == "True"]

    def set_ready(self, version: str, ready: bool) -> None:
        """Pods of a version become ready or not, and stay so."""
        self.boot[version] = 0.0 if ready else float("inf")
        for pod in self._pods(self.service_of(version)).values():
            self._set_pod(pod, ready=ready)

    def crash_containers(self, version: str, *, times: int) -> None:
        """The containers of a version have restarted."""
        for pod in self._pods(self.service_of(version)).values():
            changed = copy.deepcopy(pod)
            changed["status"]["containerStatuses"][0]["restartCount"] = times
            self.put(changed)

    def reset_counters(self, version: str) -> None:
        """The predictors of a version begin to count anew, as after a restart of their processes."""
        for pod in self._pods(self.service_of(version)):
            self._counts[pod] = [self.now, 0.0, 0.0, 0.0]
            self._predicted[pod] = [0.0] * len(self._predicted[pod])

    def counters(self, pod: str) -> Counters | str:
        if self.complaint or ("Pod", pod) not in self.objects:
            return self.complaint or "connection refused"
        started, requests, errors, slow = self._counts[pod]
        counts = [0] * BUCKETS.size
        counts[BUCKETS.index(0.01)] = int(requests) - int(slow)
        counts[BUCKETS.index(1.0)] = int(slow)
        scores = Scores("tenths", Bins(tuple(map(int, self._predicted[pod])))) if self._predicted[pod] else None
        latency, metrics = Histogram(BUCKETS, tuple(counts)), self._metrics(pod)
        return Counters(started, int(requests), int(errors), latency, scores, metrics, self._labels(pod))

    def _labels(self, pod: str) -> dict[str, tuple[Cohort, ...]]:
        """The labels that have come by now."""
        version = self.objects["Pod", pod]["metadata"]["labels"][labels.VERSION]
        outcome = self.outcome[version]
        if outcome is None:
            return {}
        made = self._made[pod].items()
        return {version: tuple(Cohort(end, count, self._labelled(end, count, *outcome)) for end, count in made)}

    def _labelled(self, end: float, made: int, prediction: float, share: float) -> Labelled:
        if self.now < end + self.labels_late:
            return NO_LABELS
        positives = round(made * share)
        return _times(positives, (prediction, True)) + _times(made - positives, (prediction, False))

    def _metrics(self, pod: str) -> dict[str, Ratio]:
        return {"worth": self._worth[pod]} if pod in self._worth else {}

    def _kserve(self) -> None:
        services = self.services()
        for key, pod in list(self.objects.items()):
            if key[0] == "Pod" and pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"] not in services:
                del self.objects[key]
        for name, service in services.items():
            self._scale(name, service)
            ready = bool(self.ready_pods(name))
            conditions = [{"type": "PredictorReady", "status": str(ready)}]
            if service.get("status", {}).get("conditions") != conditions:
                self.put({**service, "status": {"conditions": conditions}})

    def _scale(self, name: str, service: Object) -> None:
        version = service["metadata"]["labels"][labels.VERSION]
        pods = self._pods(name)
        for number in range(len(pods), service["spec"]["predictor"]["minReplicas"]):
            marks = service["metadata"]["labels"] | {"serving.kserve.io/inferenceservice": name}
            pod = {"kind": "Pod", "metadata": {"name": f"{name}-{number}-{next(self._versions)}", "labels": marks}}
            self._set_pod(pod, ready=False)
            self._counts[pod["metadata"]["name"]] = [self.now, 0.0, 0.0, 0.0]
            self._predicted[pod["metadata"]["name"]] = [0.0] * len(self.scores[version])
        for pod_name, pod in self._pods(name).items():
            started = self._counts[pod_name][0]
            if pod_name not in self.ready_pods(name) and self.now - started >= self.boot[version]:
                self._set_pod(pod, ready=True)

    def _set_pod(self, pod: Object, *, ready: bool) -> None:
        status = {
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "kserve-container", "restartCount": 0, "state": {"running": {}}}],
        }
        if pod.get("status") != status:
            self.put({**copy.deepcopy(pod), "status": status})

    def _pods(self, service: str) -> dict[str, Object]:
        return {
            o["metadata"]["name"]: o
            for o in self.list(POD, "team")
            if o["metadata"]["labels"]["serving.kserve.io/inferenceservice"] == service
        }

    def reconcile_gateway(self) -> None:
        route = self.find(HTTP_ROUTE, "ranker")
        if route is None or not self.gateway_works:
            return
        generation = route["metadata"]["generation"]
        refused = _mirror_of(route) and not self.mirrors_work
        verdicts = {"Accepted": ("False", "UnsupportedValue") if refused else ("True", "Accepted")}
        verdicts["ResolvedRefs"] = ("True", "ResolvedRefs")
        status = {
            "parents": [
                {
                    "parentRef": {"name": "gw", "namespace": "infra"},
                    "conditions": [
                        {"type": t, "status": said, "reason": why, "observedGeneration": generation}
                        for t, (said, why) in verdicts.items()
                    ],
                }
            ]
        }
        if route.get("status") != status:
            self.put({**route, "status": status})

    def _traffic(self) -> None:
        """Answers spread evenly: no chance is needed to see what a release does. Copies are answered like the rest."""
        mirrored = {self.mirror(): 100} if self.mirror() and self.mirrors_work else {}
        for name, share in {**self.shares(), **mirrored}.items():
            service, pods = self.services().get(name), self.ready_pods(name)
            if service is None or not pods:
                continue
            version = service["metadata"]["labels"][labels.VERSION]
            for pod in pods:
                answers = self.rate * TICK * share / 100 / len(pods) * (1 - self.lost[version])
                counts = self._counts[pod]
                whole = int(counts[1] + answers) - int(counts[1])
                if (worth := self.worth[version]) is not None:
                    self._worth[pod] += Ratio.of_mean(whole, whole * worth, whole * worth**2)
                self._made[pod][(self.now // 60 + 1) * 60] += whole
                counts[1] += answers
                counts[2] += answers * self.errors[version]
                counts[3] += answers * self.slow[version]
                for place, part in enumerate(self.scores[version]):
                    self._predicted[pod][place] += answers * part


def _mirror_of(route: Object) -> str:
    filters = route["spec"]["rules"][0].get("filters", ())
    names = [str(found["requestMirror"]["backendRef"]["name"]) for found in filters]
    return names[0].removesuffix("-predictor") if names else ""


def _times(number: int, pair: tuple[float, bool]) -> Labelled:
    return Labelled(*(number * value for value in vars(Labelled.of([pair])).values()))


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
