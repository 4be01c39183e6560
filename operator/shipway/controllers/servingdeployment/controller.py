"""The edge of the ServingDeployment reconciler: gathers the snapshot, has the counters read, decides nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shipway.analysis.judgement import Judgement
from shipway.api import labels
from shipway.api.conditions import rfc3339, seconds
from shipway.api.v1alpha1.evidence import Cursor
from shipway.api.v1alpha1.servingdeployment import GatewayRef, RolloutStatus, ServingDeploymentStatus, VersionRef
from shipway.controllers.owned import SELECTOR, owner_key, owner_uid
from shipway.controllers.pod import trim_pod
from shipway.controllers.pod_shape import PodShape
from shipway.controllers.servingdeployment import evaluations, twin
from shipway.controllers.servingdeployment.checks import fleet, is_ready
from shipway.controllers.servingdeployment.evidence import from_status, step_token
from shipway.controllers.servingdeployment.hosts import rival_of
from shipway.controllers.servingdeployment.inquiries import Inquirer
from shipway.controllers.servingdeployment.peers import Peer, peers_of
from shipway.controllers.servingdeployment.reconcile import Snapshot, reconcile
from shipway.controllers.servingdeployment.situation import ACTIVE, Action, Findings
from shipway.controllers.servingdeployment.verbs import ID_LIMIT, UNNAMED
from shipway.controllers.tags import of_model, on_site, waiting_in
from shipway.integrations import gateway, kserve
from shipway.integrations.budgets import Budgets, Duty
from shipway.integrations.counters import CounterBoard
from shipway.integrations.kserve import POD_LABEL, short_hash
from shipway.integrations.tally import CANDIDATE, STABLE, Assignment, Counters, Reading, Target
from shipway.kube.resource import (
    HTTP_ROUTE,
    INCIDENT,
    INFERENCE_SERVICE,
    MODEL,
    MODEL_VERSION,
    POD,
    SERVING_DEPLOYMENT,
    Key,
    Object,
)
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan

_INTEGRATIONS = (
    (INFERENCE_SERVICE, "KServe 0.20 or later (inferenceservices.serving.kserve.io)"),
    (
        HTTP_ROUTE,
        (
            "Gateway API 1.0 or later (httproutes.gateway.networking.k8s.io; KServe's Knative mode and spec.canary are "
            "no substitute)"
        ),
    ),
)


def _of_model(namespace: str, model: str, cache: Cache) -> Iterable[Key]:
    for sdep in cache.tagged(SERVING_DEPLOYMENT, of_model(namespace, model)):
        yield Key(SERVING_DEPLOYMENT.kind, namespace, sdep["metadata"]["name"])


def _by_model(obj: Object, cache: Cache) -> Iterable[Key]:
    return _of_model(obj["metadata"]["namespace"], obj["metadata"]["name"], cache)


def _by_version(obj: Object, cache: Cache) -> Iterable[Key]:
    return _of_model(obj["metadata"]["namespace"], obj["spec"]["modelName"], cache)


def _by_incident(obj: Object, cache: Cache) -> Iterable[Key]:
    return _of_model(obj["metadata"]["namespace"], obj["spec"]["model"], cache)


def _by_peer(obj: Object, cache: Cache) -> Iterable[Key]:
    """Those of the namespace that wait for others: a change of one may let them go on."""
    namespace = obj["metadata"]["namespace"]
    for sdep in cache.tagged(SERVING_DEPLOYMENT, waiting_in(namespace)):
        if sdep["metadata"]["name"] != obj["metadata"]["name"]:
            yield Key(SERVING_DEPLOYMENT.kind, namespace, sdep["metadata"]["name"])


def _by_site(route: Object, cache: Cache) -> Iterable[Key]:
    """The owner of a route, and those of the routes it competes with."""
    yield from owner_key(route, cache)
    for other in cache.tagged(HTTP_ROUTE, on_site(gateway.site_of(route))):
        yield from owner_key(other, cache)


class ServingDeploymentController(Controller):
    """Serves a model and releases its versions.

    Args:
        counters: Reads the predictors' counters while a release is under way.
        budgets: Reads them at all times where there are objectives, more seldom.
        inquirer: Asks meanwhile what gates want to know of others.
        max_candidates: Versions that may run beside others in one namespace; 0 for no limit.
    """

    resource = SERVING_DEPLOYMENT
    watches: Sequence[Watch] = (
        Watch(INFERENCE_SERVICE, owner_key, selector=SELECTOR),
        Watch(HTTP_ROUTE, _by_site, selector=SELECTOR),
        Watch(POD, owner_key, selector=SELECTOR, trim=trim_pod, shape=PodShape),
        Watch(MODEL, _by_model),
        Watch(MODEL_VERSION, _by_version),
        Watch(INCIDENT, _by_incident),
        Watch(SERVING_DEPLOYMENT, _by_peer),
    )

    def __init__(
        self,
        *,
        counters: CounterBoard[Assignment, Reading],
        budgets: CounterBoard[Duty, Budgets],
        inquirer: Inquirer,
        max_candidates: int = 0,
    ) -> None:
        self._counters = counters
        self._budgets = budgets
        self._inquirer = inquirer
        self._max_candidates = max_candidates

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache and the counters know."""
        sdep = cache.get(SERVING_DEPLOYMENT, key.namespace, key.name)
        if sdep is None or "deletionTimestamp" in sdep["metadata"]:
            self._forget(key)
            self._budgets.forget(key)
            return None
        model, route = sdep["spec"]["model"], _own_route(key, sdep, cache)
        snapshot = Snapshot(
            sdep=sdep,
            now=now,
            model=cache.get(MODEL, key.namespace, model),
            versions=_versions(key.namespace, model, cache),
            incidents=cache.tagged(INCIDENT, of_model(key.namespace, model)),
            services=_own_services(key, sdep, cache),
            pods=_pods(key, cache),
            route=route,
            rival=_rival(key, sdep, route, cache),
            missing=[name for resource, name in _INTEGRATIONS if not cache.has(resource)],
            action=_action(sdep),
            peers=self._peers(key, sdep, cache),
            max_candidates=self._max_candidates,
        )
        return reconcile(self._with_budgets(key, self._with_findings(key, snapshot)))

    def _peers(self, key: Key, sdep: Object, cache: Cache) -> Mapping[str, Peer]:
        if not self._max_candidates and not sdep["spec"].get("rollout", {}).get("after"):
            return {}
        return peers_of(key.name, cache.list(SERVING_DEPLOYMENT, key.namespace))

    def _with_findings(self, key: Key, snapshot: Snapshot) -> Snapshot:
        rollout = snapshot.stored.rollout
        if rollout is None or rollout.state not in ACTIVE or not _is_judged(snapshot, rollout):
            self._forget(key)
            return snapshot
        roles = _roles(snapshot.stored, rollout)
        self._counters.follow(key, _assignment(snapshot, rollout, roles))
        told = {
            **self._inquirer.judgements(key, snapshot.spec, rollout, roles[STABLE]),
            **evaluations.judgements(
                snapshot.spec, candidate=roles[CANDIDATE], stable=roles[STABLE], versions=snapshot.versions
            ),
        }
        reading = self._counters.reading(key)
        return (
            snapshot.with_findings(_findings(reading, told, alone=_alone(snapshot, rollout))) if reading else snapshot
        )

    def _with_budgets(self, key: Key, snapshot: Snapshot) -> Snapshot:
        if not snapshot.spec.objectives:
            self._budgets.forget(key)
            return snapshot
        self._budgets.follow(key, Duty(tuple(snapshot.spec.objectives), tuple(_answering(snapshot))))
        return snapshot.with_budgets(self._budgets.reading(key) or Budgets())

    def _forget(self, key: Key) -> None:
        self._counters.forget(key)
        self._inquirer.forget(key)


def _is_judged(snapshot: Snapshot, rollout: RolloutStatus) -> bool:
    return bool(rollout.baseline and snapshot.spec.rollout.gates) and not rollout.undo


def _roles(status: ServingDeploymentStatus, rollout: RolloutStatus) -> Mapping[str, VersionRef | None]:
    baking = rollout.state == "Baking"
    return {
        CANDIDATE: status.stable if baking else status.candidate,
        STABLE: status.rollback_target if baking else twin.compared_with(status),
    }


def _assignment(snapshot: Snapshot, rollout: RolloutStatus, roles: Mapping[str, VersionRef | None]) -> Assignment:
    paired = rollout.mirror and any(gate.type == "AnswerDiff" for gate in snapshot.spec.rollout.gates)
    return Assignment(
        token=step_token(rollout, snapshot.spec),
        targets=tuple(
            target
            for role, ref in roles.items()
            if ref
            for target in _targets(snapshot, ref.inference_service, role, paired=paired)
        ),
        evidence=from_status(snapshot.spec, rollout),
        positions={
            cursor.pod: Counters(seconds(cursor.started_at), cursor.requests, cursor.errors)
            for evidence in rollout.evidence
            for cursor in evidence.cursors
        },
        weights=_weights(snapshot, roles),
        versions={role: ref.version for role, ref in roles.items() if ref},
        at=snapshot.now,
    )


def _weights(snapshot: Snapshot, roles: Mapping[str, VersionRef | None]) -> Mapping[str, int]:
    """Percent of the traffic that each role gets; empty while the gateway works by another route."""
    if snapshot.route is None:
        return {}
    view = gateway.view(snapshot.route, snapshot.spec.gateway)
    if not view.accepted:
        return {}
    return {role: view.shares.get(kserve.backend(ref.inference_service), 0) for role, ref in roles.items() if ref}


def _targets(snapshot: Snapshot, inference_service: str, role: str, *, paired: bool = False) -> Iterable[Target]:
    for pod in snapshot.pods.get(inference_service, ()):
        if is_ready(pod) and (address := pod["status"].get("podIP")):
            yield Target(pod["metadata"]["name"], address, role, paired)


def _alone(snapshot: Snapshot, rollout: RolloutStatus) -> str:
    """Why the new version has nobody beside it, where its twin should be; empty where it is, or none should."""
    ref = snapshot.stored.twin
    if ref is None or not rollout.step_hash or not twin.share_of(snapshot.stored):
        return ""
    found = fleet(snapshot.services.get(ref.inference_service), snapshot.pods.get(ref.inference_service, ()))
    return "" if found.ready else f"the twin of {ref.version} has no ready replica: {found.message}"


def _answering(snapshot: Snapshot) -> Iterable[Target]:
    """The pods that get a share of the traffic, whatever they run; a mirrored version's answers reach nobody."""
    shares = gateway.view(snapshot.route, snapshot.spec.gateway).shares if snapshot.route else {}
    for name in sorted(snapshot.pods):
        if shares.get(kserve.backend(name)):
            yield from _targets(snapshot, name, role=name)


def _findings(reading: Reading, told: Mapping[str, Judgement], *, alone: str = "") -> Findings:
    return Findings(
        evidence=reading.evidence,
        judgements={**reading.evidence.judge(), **told},
        fresh=reading.fresh and not alone,
        problem=alone or reading.problem,
        cursors={
            role: [_cursor(pod, counters) for pod, counters in pods.items()] for role, pods in reading.positions.items()
        },
    )


def _cursor(pod: str, counters: Counters) -> Cursor:
    started = rfc3339(counters.started_at)
    return Cursor(pod=pod, started_at=started, requests=counters.requests, errors=counters.errors)


def _versions(namespace: str, model: str, cache: Cache) -> Mapping[str, Object]:
    return {
        obj["spec"]["version"]: obj
        for obj in cache.tagged(MODEL_VERSION, of_model(namespace, model))
        if "deletionTimestamp" not in obj["metadata"]
    }


def _own_services(key: Key, sdep: Object, cache: Cache) -> Mapping[str, Object]:
    return {obj["metadata"]["name"]: obj for obj in cache.owned(INFERENCE_SERVICE, key) if _is_ours(obj, sdep)}


def _own_route(key: Key, sdep: Object, cache: Cache) -> Object | None:
    route = next((obj for obj in cache.owned(HTTP_ROUTE, key) if obj["metadata"]["name"] == key.name), None)
    return route if route is not None and _is_ours(route, sdep) else None


def _rival(key: Key, sdep: Object, route: Object | None, cache: Cache) -> str:
    parent = GatewayRef.model_validate(sdep["spec"]["gateway"])
    site = gateway.site(sdep["spec"]["host"], parent, namespace=key.namespace)
    return rival_of(route, place=(key.namespace, key.name), routes=cache.tagged(HTTP_ROUTE, on_site(site)))


def _is_ours(obj: Object, sdep: Object) -> bool:
    """Whether the deployment owns an object that bears its labels; without any owner it comes out of a backup."""
    return owner_uid(obj) in {"", sdep["metadata"]["uid"]}


def _pods(key: Key, cache: Cache) -> Mapping[str, Sequence[Object]]:
    pods: dict[str, list[Object]] = defaultdict(list)
    for pod in sorted(cache.owned(POD, key), key=lambda pod: str(pod["metadata"]["name"])):
        if name := pod["metadata"]["labels"].get(POD_LABEL):
            pods[name].append(pod)
    return pods


def _action(sdep: Object) -> Action | None:
    notes = sdep["metadata"].get("annotations") or {}
    verb = notes.get(labels.ACTION, "")
    if not verb:
        return None
    by, reason = notes.get(labels.ACTION_BY, ""), notes.get(labels.ACTION_REASON, "")
    named = _bounded(notes.get(labels.ACTION_ID, "").strip())
    id_ = named or f"{UNNAMED}{short_hash(verb, by, reason, length=12)}"
    return Action(id_, verb[:32], by[:256], reason[:256], notes.get(labels.ACTION_TO, "").strip())


def _bounded(id_: str) -> str:
    """The id as it fits into the record of what has run: one that were cut off there would run again and again."""
    return id_ if len(id_) <= ID_LIMIT else f"{id_[: ID_LIMIT - 13]}-{short_hash(id_, length=12)}"
