"""What a release is decided on: the wanted version, how each version is doing, the route, the evidence, the clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil

from shipway.analysis.evidence import StepEvidence
from shipway.analysis.judgement import Judgement
from shipway.api.conditions import seconds
from shipway.api.v1alpha1.evidence import Cursor
from shipway.api.v1alpha1.gates import Gate, Verdict
from shipway.api.v1alpha1.servingdeployment import (
    Abort,
    Reason,
    RolloutStatus,
    ServingDeploymentSpec,
    ServingDeploymentStatus,
    Verb,
    VersionRef,
)
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.freeze import Frozen
from shipway.controllers.servingdeployment.turn import Turn
from shipway.integrations.budgets import Budgets
from shipway.integrations.gateway import RouteView

ACTIVE = frozenset({"Starting", "Stepping", "Paused", "Baking"})
"""States of a rollout that is under way."""


@dataclass(frozen=True)
class Problem:
    """What keeps a version from being released, or why there is none."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Wanted:
    """The version the spec asks for, found and ready."""

    ref: VersionRef
    passed_over: str = ""
    """Newer ones that may not be released, in words."""


@dataclass(frozen=True)
class Hold:
    """Why the wanted version is not released although it could be."""

    reason: Reason
    message: str
    incidents: tuple[str, ...] = ()
    """Names of the Incidents that hold it, oldest first; `retry` lifts them."""


@dataclass(frozen=True)
class Restarts:
    """How often a pod's containers have restarted in its life."""

    count: int
    """All of its containers together."""
    ending: str = ""
    """How the last of them ended, in the cluster's own words."""


@dataclass(frozen=True)
class Fleet:
    """How one version's predictor is doing."""

    ready: int = 0
    """Ready replicas."""
    settled: bool = False
    """Whether KServe says it is available."""
    restarts: Mapping[str, Restarts] = field(default_factory=dict)
    """Restarts by pod, of those whose containers have restarted at all."""
    message: str = "its InferenceService does not exist yet"
    """What keeps it from being ready."""


NO_FLEET = Fleet()
"""A version that does not run."""


@dataclass(frozen=True)
class Mark:
    """The decision to roll back as it is written on the route itself: one write is both the decision and the deed."""

    rollout: str
    reason: str
    gate: str
    message: str
    quarantine: bool
    at: float


@dataclass(frozen=True)
class Action:
    """A verb a person asked for."""

    id: str
    verb: str
    by: str
    reason: str
    to: str = ""
    """The version an undo goes back to; empty for the newest."""

    @property
    def known(self) -> Verb | None:
        """The verb, if it is one."""
        return next((verb for verb in Verb if verb == self.verb), None)

    @property
    def who(self) -> str:
        """Who asked, as people are told: known only where the admission policy stamps it."""
        return self.by or "unknown"

    @property
    def why(self) -> str:
        """The reason, as people are told."""
        return self.reason or "no reason given"


@dataclass(frozen=True)
class Findings:
    """What the gates say.

    Attributes:
        evidence: The counts of the current step.
        judgements: Verdict by gate.
        fresh: Whether the counters were read a moment ago.
        problem: Why they were not; empty too in the first moments after a start.
        cursors: How far each pod's counters have been read, by role.
    """

    evidence: StepEvidence = field(default_factory=StepEvidence)
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    fresh: bool = False
    problem: str = ""
    cursors: Mapping[str, Sequence[Cursor]] = field(default_factory=dict)

    def known(self, gates: Sequence[Gate]) -> bool:
        """Whether the counters that gates rest on were read a moment ago; some rest on none."""
        return not any(gate.counts for gate in gates) or (self.fresh and not self.problem)

    def outcome(self, gates: Sequence[Gate]) -> Verdict:
        """All gates together: Fail beats Error beats Inconclusive; Pass where every gate lets the step end."""
        verdicts = {gate.name: self.judgements[gate.name].verdict for gate in gates if gate.name in self.judgements}
        if Verdict.FAIL in verdicts.values():
            return Verdict.FAIL
        if Verdict.ERROR in verdicts.values() or not self.known(gates):
            return Verdict.ERROR
        if all(lets_pass(gate, verdicts.get(gate.name, Verdict.INCONCLUSIVE)) for gate in gates):
            return Verdict.PASS
        return Verdict.INCONCLUSIVE


def lets_pass(gate: Gate, verdict: Verdict) -> bool:
    """Whether a step may end by this gate."""
    if verdict is Verdict.NO_EVIDENCE_OF_HARM:
        return gate.pass_on == "NoEvidenceOfHarm"  # noqa: S105 - not a password
    return verdict is Verdict.PASS


@dataclass(frozen=True)
class Answering:
    """Who has the traffic, told without the status.

    Attributes:
        stable: Who has all of it, or the rest beside the candidate.
        candidate: The version being released; None where one version has all.
        weight: The candidate's percent; 0 where it is mirrored.
    """

    stable: VersionRef
    candidate: VersionRef | None = None
    weight: int = 0


@dataclass(frozen=True)
class Situation:
    """Everything a decision rests on; values only."""

    name: str
    spec: ServingDeploymentSpec
    status: ServingDeploymentStatus
    wanted: Wanted | Problem
    hold: Hold | None
    fleets: Mapping[str, Fleet]
    route: RouteView | None
    """Shares by InferenceService; None while there is no route."""
    mark: Mark | None
    """The decision to take a version back, as the route has it."""
    findings: Findings
    action: Action | None
    now: float
    rival: str = ""
    """Who answers the host instead, by an older route; empty where nobody does."""
    answering: Answering | None = None
    """Who has the traffic, as the route and the InferenceServices tell; read only where the status was lost."""
    frozen: Frozen | None = None
    """The freeze that holds now."""
    unsupported: Problem | None = None
    """How KServe runs the version being released, or else stable, so that no route can share out the traffic."""
    predecessor: Problem | None = None
    """Whom a release waits for."""
    turn: Turn | None = None
    """Where a release stands among those of the namespace; None where there is no limit."""
    obstacles: Mapping[str, str] = field(default_factory=dict)
    """Why a kept version cannot be gone back to, by InferenceService."""
    budgets: Budgets = field(default_factory=Budgets)
    """How the objectives do."""
    recorded: Mark | None = None
    """The decision to take this very rollout back, as its Incident has it: people have been called, and it stands."""

    @property
    def rollout(self) -> RolloutStatus | None:
        """The rollout under way; None when there is none."""
        rollout = self.status.rollout
        return rollout if rollout and rollout.state in ACTIVE else None

    @property
    def subject(self) -> VersionRef | None:
        """The version under judgement: the candidate, or in the bake the new stable."""
        return self.status.candidate or (self.status.stable if self.rollout else None)

    @property
    def fallback(self) -> VersionRef | None:
        """Where a rollback goes; None for a first version."""
        baking = self.rollout is not None and self.rollout.state == "Baking"
        return self.status.rollback_target if baking else self.status.stable

    @cached_property
    def stages(self) -> tuple[steps.Stage, ...]:
        """The stages of the rollout under way."""
        by_steps = self.rollout is not None and self.rollout.baseline and not self.rollout.undo
        return steps.stages_of(self.spec.rollout.steps) if by_steps else steps.ALL_AT_ONCE

    @property
    def stage(self) -> steps.Stage:
        """The current stage of the rollout under way."""
        assert self.rollout is not None
        return steps.at(self.stages, self.rollout.step_index)

    @cached_property
    def gates(self) -> Sequence[Gate]:
        """The gates that decide, and their slices: none without a baseline, when a person goes back, or if observed."""
        asked = self.rollout is not None and self.rollout.baseline and not self.rollout.undo
        return [gate for gate in self.spec.rollout.tests if gate.decides] if asked else ()

    @property
    def unequipped(self) -> bool:
        """Whether the cluster lacks what any release needs, which is no version's fault."""
        missing = isinstance(self.wanted, Problem) and self.wanted.reason is Reason.INTEGRATION_MISSING
        return missing or self.unsupported is not None

    @property
    def freeze(self) -> Frozen | None:
        """The freeze that keeps the new version from getting more traffic; a way back is never frozen."""
        return None if self.rollout and self.rollout.undo else self.frozen

    def fleet(self, ref: VersionRef | None) -> Fleet:
        """How a version's predictor is doing."""
        return self.fleets.get(ref.inference_service, NO_FLEET) if ref else NO_FLEET

    def share(self, inference_service: str) -> int:
        """Percent of the traffic the route sends there."""
        return self.route.shares.get(inference_service, 0) if self.route else 0

    def gets_requests(self, inference_service: str) -> bool:
        """Whether the route sends requests there, to be answered or as copies."""
        mirrored = self.route is not None and self.route.mirror == inference_service
        return mirrored or self.share(inference_service) > 0

    def elapsed(self, since: str | None) -> float:
        """Seconds since a time of the status; 0 when it is not set or a moment ahead."""
        return max(0.0, self.now - seconds(since)) if since else 0.0

    @property
    def fallback_answers(self) -> bool:
        """Whether a rollback leaves someone to answer."""
        return self.fleet(self.fallback).ready > 0

    @property
    def nobody_is_cut_off(self) -> bool:
        """Whether taking the new version's traffic costs no answers: stable is ready, or the new one is not either."""
        return self.fallback_answers or self.fleet(self.subject).ready == 0

    def capacity_for(self, stage: steps.Stage) -> bool:
        """Whether the new version, and its twin, have the replicas for a stage, warmed, BEFORE the route is changed."""
        return self.subject is not None and self.lacking(stage) is None

    def lacking(self, stage: steps.Stage) -> VersionRef | None:
        """Who has not got the replicas for a stage: the new version, else its twin, else nobody."""
        twin = self.status.twin if 0 < stage.weight < 100 else None
        return next((ref for ref in (self.subject, twin) if ref and not self._has_capacity(ref, stage)), None)

    def _has_capacity(self, ref: VersionRef, stage: steps.Stage) -> bool:
        fleet = self.fleet(ref)
        return fleet.settled and fleet.ready >= self.replicas_for(ref, stage)

    def replicas_for(self, ref: VersionRef, stage: steps.Stage) -> int:
        """Replicas a version needs for a stage; mirrored it bears as much as stable."""
        return max(1, ceil((ref.min_replicas or self.spec.predictor.min_replicas) * stage.load / 100))


def same(a: VersionRef | None, b: VersionRef | None) -> bool:
    """Whether two references mean the same artifact in the same predictor."""
    return a is not None and b is not None and a.inference_service == b.inference_service


def is_of(abort: Abort, ref: VersionRef) -> bool:
    """Whether an abort was of this artifact in this predictor."""
    return (abort.digest, abort.predictor_hash) == (ref.digest, ref.predictor_hash)
