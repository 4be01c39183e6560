"""From what is known of a ServingDeployment to what is to be written. Pure.

The writes of a pass serve the STORED status; the status of the pass is the next decision. So whatever is interrupted is
done again from the same status, and no step is skipped or entered twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.servingdeployment import Reason, ServingDeploymentSpec, ServingDeploymentStatus, incident_name
from shipway.controllers.owned import owner_uid
from shipway.controllers.servingdeployment import checks, children, choice, conditions, machine, objectives, traffic
from shipway.controllers.servingdeployment.after import predecessors_of
from shipway.controllers.servingdeployment.answering import answering
from shipway.controllers.servingdeployment.bookkeeping import keep_books
from shipway.controllers.servingdeployment.calls import calls
from shipway.controllers.servingdeployment.clock import caught_up
from shipway.controllers.servingdeployment.decision import Decision, Lift, Rollback, Undone
from shipway.controllers.servingdeployment.draining import due
from shipway.controllers.servingdeployment.freeze import frozen
from shipway.controllers.servingdeployment.peers import Peer, places_asked_for, turn_of
from shipway.controllers.servingdeployment.situation import (
    Action,
    Answering,
    Findings,
    Hold,
    Mark,
    Problem,
    Situation,
    Wanted,
)
from shipway.controllers.servingdeployment.throttle import settle, wake_after
from shipway.controllers.servingdeployment.turn import Turn
from shipway.integrations import gateway, kserve
from shipway.integrations.budgets import Budgets
from shipway.kube.resource import HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE, Object
from shipway.runtime.plan import Apply, Create, Delete, PatchStatus, Plan, Refusal, Write


@dataclass(frozen=True)
class Snapshot:
    """Everything a pass looks at.

    Attributes:
        sdep: The ServingDeployment.
        model: The Model it names.
        versions: The model's ModelVersions, by version.
        incidents: Incidents of the namespace about the model.
        services: InferenceServices it made, by name, and those with its labels that lost their owner in a restore.
        pods: Their pods, by InferenceService.
        route: Its HTTPRoute, or one that bears its name and labels and lost its owner.
        rival: The deployment that answers its host instead, as namespace/name; empty where there is none.
        missing: Integrations whose CRD is not installed, in words.
        findings: What the gates say.
        budgets: How the objectives do.
        action: The verb in its annotations.
        peers: The other ServingDeployments of the namespace, where it has to do with them.
        max_candidates: Versions that may run beside others in the namespace; 0 where there is no limit.
        now: Unix seconds.
    """

    sdep: Object
    now: float
    model: Object | None = None
    versions: Mapping[str, Object] = field(default_factory=dict)
    incidents: Sequence[Object] = ()
    services: Mapping[str, Object] = field(default_factory=dict)
    pods: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    route: Object | None = None
    rival: str = ""
    missing: Sequence[str] = ()
    findings: Findings = field(default_factory=Findings)
    budgets: Budgets = field(default_factory=Budgets)
    action: Action | None = None
    peers: Mapping[str, Peer] = field(default_factory=dict)
    max_candidates: int = 0

    @cached_property
    def spec(self) -> ServingDeploymentSpec:
        """The spec."""
        return ServingDeploymentSpec.model_validate(self.sdep["spec"])

    @cached_property
    def stored(self) -> ServingDeploymentStatus:
        """The status as it is stored, but for times that are ahead of the clock."""
        return caught_up(ServingDeploymentStatus.model_validate(self.sdep.get("status") or {}), now=self.now)

    def with_findings(self, findings: Findings) -> "Snapshot":
        """The snapshot with what the gates say."""
        return replace(self, findings=findings)

    def with_budgets(self, budgets: Budgets) -> "Snapshot":
        """The snapshot with how the objectives do."""
        return replace(self, budgets=budgets)


def reconcile(snapshot: Snapshot) -> Plan:
    """Decide the next status; write what the stored one asks for, or take a version back first."""
    s = observe(snapshot)
    decision = machine.decide(s)
    books = keep_books(s, decision.status, existing=snapshot.services)
    status = _described(snapshot, s, books)
    return Plan(
        writes=_writes(snapshot, s, decision),
        status=settle(snapshot.sdep.get("status") or {}, status, now=s.now),
        events=(*decision.notes, *objectives.notes(snapshot.stored.objectives, status.objectives)),
        requeue_after=wake_after(s, status),
        refused=lambda refusal: _refused(snapshot, s, decision, refusal),
    )


def observe(snapshot: Snapshot) -> Situation:
    """The situation of a snapshot."""
    spec, status = snapshot.spec, snapshot.stored
    wanted, route = _wanted(snapshot, spec), _route_view(snapshot, spec)
    names = {*snapshot.services, *snapshot.pods}
    return Situation(
        name=snapshot.sdep["metadata"]["name"],
        spec=spec,
        status=status,
        wanted=wanted,
        hold=_hold(snapshot, spec, status, wanted),
        fleets={name: checks.fleet(snapshot.services.get(name), snapshot.pods.get(name, ())) for name in sorted(names)},
        route=route,
        rival=snapshot.rival,
        mark=children.mark_on(snapshot.route),
        findings=snapshot.findings,
        budgets=snapshot.budgets,
        action=snapshot.action,
        now=snapshot.now,
        answering=_answering(snapshot, spec, status, route),
        frozen=frozen(spec.rollout.freeze, snapshot.now),
        unsupported=_unsupported(snapshot, status),
        predecessor=_predecessor(snapshot, spec, wanted),
        turn=_turn(snapshot, spec, status),
        obstacles=_obstacles(snapshot, spec, status),
        recorded=_recorded(snapshot, status),
    )


def _wanted(snapshot: Snapshot, spec: ServingDeploymentSpec) -> Wanted | Problem:
    if snapshot.missing:
        text = f"{' and '.join(snapshot.missing)} not installed in this cluster; it is noticed when it is installed"
        return Problem(Reason.INTEGRATION_MISSING, text)
    return choice.wanted_version(
        snapshot.sdep,
        spec,
        model=snapshot.model,
        versions=snapshot.versions,
        incidents=snapshot.incidents,
        stable=snapshot.stored.stable,
    )


def _answering(
    snapshot: Snapshot, spec: ServingDeploymentSpec, status: ServingDeploymentStatus, route: gateway.RouteView | None
) -> Answering | None:
    """Who has the traffic, where the status does not tell."""
    if status.stable is not None or status.candidate is not None:
        return None
    wanted = partial(_wanted_name, snapshot, spec)
    return answering(route, snapshot.services, least=spec.predictor.min_replicas, wanted=wanted)


def _wanted_name(snapshot: Snapshot, spec: ServingDeploymentSpec) -> str | Problem:
    return choice.wanted_name(
        snapshot.sdep, spec, model=snapshot.model, versions=snapshot.versions, incidents=snapshot.incidents
    )


def _hold(
    snapshot: Snapshot, spec: ServingDeploymentSpec, status: ServingDeploymentStatus, wanted: Wanted | Problem
) -> Hold | None:
    if not isinstance(wanted, Wanted):
        return None
    return checks.hold_on(
        wanted.ref, sdep=snapshot.sdep, model=spec.model, incidents=snapshot.incidents, abort=status.abort
    )


def _unsupported(snapshot: Snapshot, status: ServingDeploymentStatus) -> Problem | None:
    """What KServe does with the version being released, or its twin, or else with stable; not with one that is left."""
    judged = [ref for ref in (status.candidate or status.stable, status.twin) if ref]
    found = [snapshot.services[ref.inference_service] for ref in judged if ref.inference_service in snapshot.services]
    why = next(filter(None, map(kserve.unsupported, found)), "")
    return Problem(Reason.INTEGRATION_UNSUPPORTED, why) if why else None


def _predecessor(snapshot: Snapshot, spec: ServingDeploymentSpec, wanted: Wanted | Problem) -> Problem | None:
    after = [each.name for each in spec.rollout.after]
    if not after or not isinstance(wanted, Wanted):
        return None
    name = snapshot.sdep["metadata"]["name"]
    return predecessors_of(name, spec.model, wanted.ref, after=after, peers=snapshot.peers)


def _turn(snapshot: Snapshot, spec: ServingDeploymentSpec, status: ServingDeploymentStatus) -> Turn | None:
    return turn_of(
        snapshot.sdep["metadata"]["name"],
        queued_at=status.queued_at,
        asks=places_asked_for(spec.rollout),
        peers=snapshot.peers.values(),
        limit=snapshot.max_candidates,
    )


def _obstacles(snapshot: Snapshot, spec: ServingDeploymentSpec, status: ServingDeploymentStatus) -> Mapping[str, str]:
    found = {
        ref.inference_service: checks.obstacle(
            ref, sdep=snapshot.sdep, model=spec.model, versions=snapshot.versions, incidents=snapshot.incidents
        )
        for ref in status.kept
    }
    return {name: why for name, why in found.items() if why}


def _recorded(snapshot: Snapshot, status: ServingDeploymentStatus) -> Mark | None:
    if status.rollout is None:
        return None
    name = incident_name(snapshot.sdep["metadata"]["name"], status.rollout)
    incident = next((found for found in snapshot.incidents if found["metadata"]["name"] == name), None)
    return children.mark_of(incident, rollout=status.rollout.id) if incident else None


def _route_view(snapshot: Snapshot, spec: ServingDeploymentSpec) -> gateway.RouteView | None:
    if snapshot.route is None:
        return None
    view = gateway.view(snapshot.route, spec.gateway)
    shares = {_service_of(name): share for name, share in view.shares.items()}
    backends = frozenset(map(_service_of, view.backends))
    return replace(view, shares=shares, backends=backends, mirror=_service_of(view.mirror))


def _service_of(backend: str) -> str:
    return backend.removesuffix(kserve.backend(""))


def _described(snapshot: Snapshot, s: Situation, status: ServingDeploymentStatus) -> ServingDeploymentStatus:
    generation = snapshot.sdep["metadata"].get("generation", 0)
    after = replace(s, status=status)
    answered = s.route is not None and s.route.accepted and bool(s.route.shares) and not s.rival
    return status.model_copy(
        update={
            "observed_generation": generation,
            "conditions": conditions.conditions(after, status, generation=generation),
            "summary": conditions.summary(after),
            "url": f"http://{s.spec.host}/v1/models/{s.spec.model}:predict" if answered else "",
        }
    )


def _writes(snapshot: Snapshot, s: Situation, decision: Decision) -> tuple[Write, ...]:
    if decision.rollback is not None:
        return (*_taking_back(snapshot, s, decision, decision.rollback), *_lifting(snapshot, decision.lift))
    lifted = _lifting(snapshot, decision.lift)
    known = {incident["metadata"]["name"] for incident in snapshot.incidents}
    called = calls(s, sdep=snapshot.sdep, model=snapshot.model, known=known)
    records = (*lifted, *_blaming(snapshot, s, decision.undone), *called)
    if snapshot.missing:
        return records
    return (*records, *_services(snapshot, s), *_route(snapshot, s), *_deletions(snapshot, s))


def _taking_back(snapshot: Snapshot, s: Situation, decision: Decision, rollback: Rollback) -> tuple[Write, ...]:
    writes: list[Write] = []
    shares = traffic.with_leaving(s, traffic.shares(decision.status, s.fleets))
    body = children.route(snapshot.sdep, s.spec, shares, mark=rollback.mark)
    if shares and snapshot.route is not None and gateway.differs(snapshot.route, body):
        # Without the version it was decided on: whoever wrote meanwhile, a rollback goes onto the newest known.
        writes.append(Apply(HTTP_ROUTE, body))
    if rollback.mark is not None and s.rollout is not None:
        incident = children.incident(
            snapshot.sdep,
            s.spec,
            name=incident_name(s.name, s.rollout),
            subject=rollback.subject,
            stable=decision.status.stable,
            mark=rollback.mark,
            model=snapshot.model,
            evidence=children.evidence(s.findings),
            step_index=s.rollout.step_index,
            weight=s.rollout.weights.desired,
            exposed_at=next((step.started_at for step in s.rollout.history if step.weight), None),
        )
        writes.append(Create(INCIDENT, incident, regardless=True))
    return tuple(writes)


def _blaming(snapshot: Snapshot, s: Situation, undone: Undone | None) -> tuple[Write, ...]:
    if undone is None:
        return ()
    incident = children.incident(
        snapshot.sdep,
        s.spec,
        name=undone.incident,
        subject=undone.subject,
        stable=undone.instead,
        mark=undone.mark,
        model=snapshot.model,
        weight=100,
        exposed_at=undone.subject.since,
    )
    return (Create(INCIDENT, incident),)


def _lifting(snapshot: Snapshot, lift: Lift | None) -> tuple[Write, ...]:
    if lift is None:
        return ()
    patch = {"lifted": {"by": lift.by[:256], "reason": lift.reason[:1024], "time": rfc3339(lift.at)}}
    namespace = snapshot.sdep["metadata"]["namespace"]
    known = {incident["metadata"]["name"] for incident in snapshot.incidents}
    return tuple(PatchStatus(INCIDENT, namespace, name, patch) for name in lift.incidents if name in known)


def _services(snapshot: Snapshot, s: Situation) -> tuple[Write, ...]:
    """Every version of the status runs as it should; what a stranger deleted or edited is put back."""
    status = s.status
    writes: list[Write] = []
    for ref in status.running:
        version = snapshot.versions.get(ref.version)
        if version is None or version["spec"]["digest"] != ref.digest:
            continue
        body = children.inference_service(snapshot.sdep, s.spec, ref, version)
        stored = snapshot.services.get(ref.inference_service)
        if stored is not None and "deletionTimestamp" in stored["metadata"]:
            continue
        if stored is None:
            writes.append(Apply(INFERENCE_SERVICE, body))
        elif not owner_uid(stored) or kserve.differs(stored, body):
            writes.append(Apply(INFERENCE_SERVICE, kserve.onto(stored, body)))
    return tuple(writes)


def _route(snapshot: Snapshot, s: Situation) -> tuple[Write, ...]:
    shares = traffic.sendable(s, traffic.with_leaving(s, traffic.shares(s.status, s.fleets)))
    if not shares:
        return ()
    target, mirror = traffic.made_known(s, shares), traffic.mirrored(s.status, shares)
    body = children.route(snapshot.sdep, s.spec, target, mirror=mirror)
    stored = snapshot.route
    if stored is None:
        return (Apply(HTTP_ROUTE, body),)
    if owner_uid(stored) and not gateway.differs(stored, body):
        return ()
    body["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
    return (Apply(HTTP_ROUTE, body),)


def _deletions(snapshot: Snapshot, s: Situation) -> tuple[Write, ...]:
    return tuple(
        Delete(INFERENCE_SERVICE, meta["namespace"], meta["name"], meta["uid"], version=meta["resourceVersion"])
        for name in due(s)
        if (service := snapshot.services.get(name)) and "deletionTimestamp" not in (meta := service["metadata"])
    )


def _refused(snapshot: Snapshot, s: Situation, decision: Decision, refusal: Refusal) -> Object:
    """The API server will not have a child: say so in its words, with the status as it was stored."""
    told = replace(s, wanted=_problem(refusal, decision.rollback))
    status = _described(snapshot, told, keep_books(s, s.status, existing=snapshot.services))
    return settle(snapshot.sdep.get("status") or {}, status, now=s.now)


def _problem(refusal: Refusal, rollback: Rollback | None) -> Problem:
    kind = refusal.write.resource.kind
    words = f"{kind} refused by the API server: {refusal.message}"
    if kind == INFERENCE_SERVICE.kind:
        return Problem(Reason.PREDICTOR_REFUSED, words)
    if rollback is None or rollback.mark is None:
        return Problem(Reason.ROUTE_NOT_ACCEPTED, words)
    version, mark = rollback.subject.version, rollback.mark
    return Problem(Reason.ROLLBACK_BLOCKED, f"{version} cannot be taken back ({mark.message}): {words}")
