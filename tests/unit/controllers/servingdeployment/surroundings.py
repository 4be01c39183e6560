"""Everyone but the operator: the API server's objects, KServe, the gateway and the traffic, all on one clock."""

from __future__ import annotations

import copy
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from shipway.analysis.bins import Bins, Scores
from shipway.analysis.labels import NO_LABELS, Cohort, Labelled
from shipway.analysis.latency import Buckets, Histogram
from shipway.analysis.ratio import Ratio
from shipway.api import labels
from shipway.api.conditions import rfc3339
from shipway.controllers.tags import TAGS
from shipway.integrations.tally import Counters
from shipway.kube.resource import (
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    POD,
    Key,
    Object,
    Resource,
)

EPOCH = 1_800_000_000.0
TICK = 0.25
BUCKETS = Buckets(0.001, 1.25, 40)


class Surroundings:
    """Objects, a clock, and who works on them.

    Attributes:
        boot: Seconds a pod takes to be ready, by version.
        room: How many pods of a version the nodes have room for, by version.
        errors: Share of answers with status 5xx, by version; may change at any time.
        slow: Share of answers that take a second, by version.
        late: Shares of answers that take other times than 10 ms or a second, by seconds, by version.
        lost: Share of requests that get lost on the way, uncounted, by version.
        worth: What every answer says that it is worth, by version; a version with none says nothing.
        bears: What every answer bears besides, two numbers by the metric's name, by version.
        outcome: What every answer predicts and the share of those that come true, by version; none has no labels.
        scores: Shares of the predictions in bins, by version; a version with none does not count its predictions.
        labels_late: Seconds from an answer until it is known whether what it predicted came true.
        parts: Share of the requests that bear a slice, by slice.
        errors_of: Share of a slice's answers with status 5xx beyond those of all, by version and slice.
        mute: Versions whose predictors do not count slices.
        rate: Requests per second.
        complaint: What reading a predictor's counters ends with; empty where they can be read.
        mirrors_work: Whether the gateway knows how to mirror.
        differs: Share of requests that a version answers otherwise than the others, by version.
        secretive: Versions whose predictors do not tell which request they answered how.
        copies_ids: Whether the gateway gives a copy the id of its request.
        kserve_works: Whether KServe does anything at all.
        default_mode: How KServe runs what is made from now on; a mode that it has once said of one stays.
    """

    def __init__(self) -> None:
        self.now = EPOCH
        self.monotonic = 0.0
        self.objects: dict[tuple[str, str], Object] = {}
        self.boot: dict[str, float] = defaultdict(lambda: 2.0)
        self.room: dict[str, float] = defaultdict(lambda: float("inf"))
        self.errors: dict[str, float] = defaultdict(float)
        self.slow: dict[str, float] = defaultdict(float)
        self.late: dict[str, dict[float, float]] = defaultdict(dict)
        self.lost: dict[str, float] = defaultdict(float)
        self.worth: dict[str, float | None] = defaultdict(lambda: None)
        self.bears: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
        self.outcome: dict[str, tuple[float, float] | None] = defaultdict(lambda: None)
        self.scores: dict[str, Sequence[float]] = defaultdict(lambda: (0.1,) * 10)
        self.labels_late = 0.0
        self.parts: dict[str, float] = {}
        self.errors_of: dict[tuple[str, str], float] = defaultdict(float)
        self.mute: set[str] = set()
        self.rate = 50.0
        self.gateway_works = True
        self.complaint = ""
        self.mirrors_work = True
        self.differs: dict[str, float] = defaultdict(float)
        self.secretive: set[str] = set()
        self.copies_ids = True
        self.kserve_works = True
        self.default_mode = "Standard"
        self.absent: set[str] = set()
        self._begun: dict[str, float] = {}
        self._counts: dict[str, list[float]] = {}
        self._predicted: dict[str, list[float]] = {}
        self._delayed: dict[str, Counter[float]] = defaultdict(Counter)
        self._worth: dict[str, Ratio] = defaultdict(Ratio)
        self._borne: dict[str, dict[str, Ratio]] = defaultdict(lambda: defaultdict(Ratio))
        self._sliced: dict[str, dict[str, list[float]]] = defaultdict(dict)
        self._made: dict[str, Counter[float]] = defaultdict(Counter)
        self._versions = itertools.count(1)

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

    def _time_passes(self) -> None:
        self.now += TICK
        self.monotonic += TICK

    def shares(self) -> dict[str, int]:
        route = self.find(HTTP_ROUTE, "ranker")
        return weights_of(route) if route else {}

    def mirror(self) -> str:
        """The InferenceService that gets a copy of every request."""
        route = self.find(HTTP_ROUTE, "ranker")
        return mirror_of(route) if route else ""

    def services(self) -> dict[str, Object]:
        return {o["metadata"]["name"]: o for o in self.list(INFERENCE_SERVICE, "team")}

    def service_of(self, version: str) -> str:
        return next(name for name in self.services() if f"-{version}-" in name)

    def ready_pods(self, service: str) -> list[str]:
        return [name for name, pod in self._pods(service).items() if pod["status"]["conditions"][0]["status"] == "True"]

    def set_ready(self, version: str, ready: bool) -> None:
        """Pods of a version become ready or not, and stay so."""
        self.boot[version] = 0.0 if ready else float("inf")
        for pod in self._pods(self.service_of(version)).values():
            self._set_pod(pod, ready=ready)

    def crash_containers(self, version: str, *, times: int) -> None:
        """The containers of every pod of a version restart so many times."""
        for name in self._pods(self.service_of(version)):
            self.crash_pod(name, times=times)

    def crash_pod(self, name: str, *, times: int) -> None:
        """The container of a pod is killed and restarts so many times."""
        changed = copy.deepcopy(self.objects["Pod", name])
        container = changed["status"]["containerStatuses"][0]
        container["restartCount"] += times
        container["lastState"] = {"terminated": {"exitCode": 137}}
        self.put(changed)

    def replace_pod(self, name: str) -> None:
        """A pod is evicted; KServe makes another one."""
        del self.objects["Pod", name]

    def reset_counters(self, version: str) -> None:
        """The predictors of a version begin to count anew, as after a restart of their processes."""
        for pod in self._pods(self.service_of(version)):
            self._counts[pod] = [self.now, 0.0, 0.0, 0.0]
            self._predicted[pod] = [0.0] * len(self._predicted[pod])
            self._delayed[pod] = Counter()
            self._sliced[pod] = {}

    def counters(self, pod: str) -> Counters | str:
        if self.complaint or ("Pod", pod) not in self.objects:
            return self.complaint or "connection refused"
        started, requests, errors, slow = self._counts[pod]
        scores = Scores("tenths", Bins(tuple(map(int, self._predicted[pod])))) if self._predicted[pod] else None
        return Counters(
            started,
            int(requests),
            int(errors),
            _latency(requests, {**self._delayed[pod], 1.0: slow}),
            scores,
            self._metrics(pod),
            self._labels(pod),
            slices=self._slices(pod, started),
            answers=self._answers(pod),
        )

    def _answers(self, pod: str) -> list[tuple[str, tuple[float, ...] | None]] | None:
        """To the requests of the last second, as far as the gateway sends them there."""
        marks = self.objects["Pod", pod]["metadata"]["labels"]
        version, name = marks[labels.VERSION], marks["serving.kserve.io/inferenceservice"]
        if version in self.secretive:
            return None
        if not self.shares().get(name) and self.mirror() != name:
            return []
        last, otherwise = int(self.monotonic * 40), self.differs[version]
        what = "copy" if self.mirror() == name and not self.copies_ids else "request"
        return [
            (f"{what} {number}", (0.5, 0.25 if number % 100 < 100 * otherwise else 0.75))
            for number in range(last - 40, last)
        ]

    def _slices(self, pod: str, started: float) -> dict[str, Counters] | None:
        if self.objects["Pod", pod]["metadata"]["labels"][labels.VERSION] in self.mute:
            return None
        return {
            name: Counters(started, int(requests), int(errors), _latency(requests, {1.0: slow}))
            for name, (requests, errors, slow) in self._sliced[pod].items()
        }

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
        return {**({"worth": self._worth[pod]} if pod in self._worth else {}), **self._borne[pod]}

    def _kserve(self) -> None:
        if not self.kserve_works:
            return
        services = self.services()
        for key, pod in list(self.objects.items()):
            if key[0] == "Pod" and pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"] not in services:
                del self.objects[key]
        for name, service in services.items():
            self._scale(name, service)
            ready = bool(self.ready_pods(name))
            known = service.get("status", {})
            mode = known.get("deploymentMode", self.default_mode)
            conditions = [{"type": "PredictorReady", "status": str(ready)}]
            if known.get("conditions") != conditions:
                self.put({**service, "status": {"conditions": conditions, "deploymentMode": mode}})

    def _scale(self, name: str, service: Object) -> None:
        version = service["metadata"]["labels"][labels.VERSION]
        pods = self._pods(name)
        for number in range(len(pods), service["spec"]["predictor"]["minReplicas"]):
            marks = service["metadata"]["labels"] | {"serving.kserve.io/inferenceservice": name}
            pod = {"kind": "Pod", "metadata": {"name": f"{name}-{number}-{next(self._versions)}", "labels": marks}}
            self._set_pod(pod, ready=False)
            self._begun[pod["metadata"]["name"]] = self.monotonic
            self._counts[pod["metadata"]["name"]] = [self.now, 0.0, 0.0, 0.0]
            self._predicted[pod["metadata"]["name"]] = [0.0] * len(self.scores[version])
        for place, (pod_name, pod) in enumerate(self._pods(name).items()):
            age, fits = self.monotonic - self._begun[pod_name], place < self.room[version]
            if not fits:
                self._set_pod(pod, ready=False, placed=False)
            elif pod_name not in self.ready_pods(name) and age >= self.boot[version]:
                self._set_pod(pod, ready=True)

    def _set_pod(self, pod: Object, *, ready: bool, placed: bool = True) -> None:
        unplaced = {
            "type": "PodScheduled",
            "status": "False",
            "message": "0/3 nodes are available: 3 Insufficient cpu.",
        }
        running = {"name": "kserve-container", "restartCount": 0, "state": {"running": {}}}
        status = {
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": str(ready)}, *([] if placed else [unplaced])],
            "containerStatuses": pod.get("status", {}).get("containerStatuses", [running]),
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
        refused = mirror_of(route) and not self.mirrors_work
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
                for metric, (top, bottom) in self.bears[version].items():
                    squares = (whole * top**2, whole * top * bottom, whole * bottom**2)
                    self._borne[pod][metric] += Ratio(whole, whole * top, whole * bottom, *squares)
                self._made[pod][(self.now // 60 + 1) * 60] += whole
                counts[1] += answers
                counts[2] += answers * self.errors[version]
                counts[3] += answers * self.slow[version]
                for seconds, part in self.late[version].items():
                    self._delayed[pod][seconds] += answers * part
                self._answer_slices(pod, version, answers)
                for place, part in enumerate(self.scores[version]):
                    self._predicted[pod][place] += answers * part

    def _answer_slices(self, pod: str, version: str, answers: float) -> None:
        for name, share in self.parts.items():
            part, beyond = answers * share, self.errors_of[version, name]
            counts = self._sliced[pod].setdefault(name, [0.0, 0.0, 0.0])
            counts[0] += part
            counts[1] += part * min(1.0, self.errors[version] + beyond)
            counts[2] += part * self.slow[version]
            self._counts[pod][2] += part * beyond


def _latency(answers: float, late: Mapping[float, float]) -> Histogram:
    counts = [0] * BUCKETS.size
    for seconds, number in late.items():
        counts[BUCKETS.index(seconds)] = int(number)
    counts[BUCKETS.index(0.01)] = int(answers) - sum(counts)
    return Histogram(BUCKETS, tuple(counts))


def weights_of(route: Object) -> dict[str, int]:
    """The weights of a route by InferenceService."""
    return {ref["name"].removesuffix("-predictor"): ref["weight"] for ref in route["spec"]["rules"][0]["backendRefs"]}


def mirror_of(route: Object) -> str:
    filters = route["spec"]["rules"][0].get("filters", ())
    names = [str(found["requestMirror"]["backendRef"]["name"]) for found in filters]
    return names[0].removesuffix("-predictor") if names else ""


def _times(number: int, pair: tuple[float, bool]) -> Labelled:
    return Labelled(*(number * value for value in vars(Labelled.of([pair])).values()))
