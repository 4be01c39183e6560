"""ServingDeployment: a model served under one host, its versions released step by step and taken back by itself."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import (
    DNS_LABEL_NAME,
    ApiModel,
    Column,
    DnsLabel,
    DnsName,
    Kind,
    Percent,
    Rule,
    ShortText,
    Status,
    Text,
    Time,
    in_words,
    list_map,
    name_at_most,
)
from shipway.api.v1alpha1.evidence import Evidence, GateStatus
from shipway.api.v1alpha1.gates import MAX_TESTS
from shipway.api.v1alpha1.objectives import Objective, ObjectiveStatus
from shipway.api.v1alpha1.rollout import Rollout
from shipway.api.v1alpha1.trainingjob import Resources


class Reason(StrEnum):
    """Why a condition of a ServingDeployment is what it is."""

    SERVING = "Serving"
    NOT_SERVING = "NotServing"
    MODEL_MISSING = "ModelMissing"
    VERSION_MISSING = "VersionMissing"
    VERSION_NOT_READY = "VersionNotReady"
    ALIAS_UNRESOLVED = "AliasUnresolved"
    INTEGRATION_MISSING = "IntegrationMissing"
    INTEGRATION_UNSUPPORTED = "IntegrationUnsupported"
    PREDICTOR_STARTING = "PredictorStarting"
    PREDICTOR_REFUSED = "PredictorRefused"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    FROZEN = "Frozen"
    AWAITING_TURN = "AwaitingTurn"
    AWAITING_DEPENDENCY = "AwaitingDependency"
    DEPENDENCY_CYCLE = "DependencyCycle"
    AWAITING_EVIDENCE = "AwaitingEvidence"
    AWAITING_PROMOTION = "AwaitingPromotion"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    NOT_COMPARABLE = "NotComparable"
    ROUTE_NOT_ACCEPTED = "RouteNotAccepted"
    HOST_TAKEN = "HostTaken"
    BAKING = "Baking"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ROLLBACK_BLOCKED = "RollbackBlocked"
    QUARANTINED = "Quarantined"
    SUPERSEDED = "Superseded"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    ACTION_TAKEN = "ActionTaken"
    GUARDED = "Guarded"
    NO_BASELINE = "NoBaseline"
    NO_GATES = "NoGates"
    MET = "Met"
    BUDGET_BURNING = "BudgetBurning"
    NOT_ENOUGH_DATA = "NotEnoughData"


class Verb(StrEnum):
    """What a person may ask for by annotation."""

    PROMOTE = "promote"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    RETRY = "retry"
    UNDO = "undo"


class GatewayRef(ApiModel):
    """The Gateway whose listeners the route joins."""

    name: DnsName
    """Name of the Gateway."""
    namespace: DnsLabel | None = None
    """Its namespace; this object's when left out."""


class Predictor(ApiModel):
    """How each version runs."""

    runtime: DnsName = "shipway-ranker"
    """KServe ServingRuntime or ClusterServingRuntime."""
    storage_container_name: DnsName = "shipway"
    """KServe ClusterStorageContainer that fetches the artifact; the chart installs this one."""
    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Replicas at the least."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Replicas at the most."""
    resources: Resources = Resources()
    """Requests and limits of each replica."""
    service_account_name: DnsName | None = None
    """Service account whose secrets hold the storage credentials; default when left out."""
    rules = (
        Rule(
            "self.maxReplicas >= self.minReplicas",
            "maxReplicas is below minReplicas; raise it or lower minReplicas",
            "maxReplicas",
        ),
    )


_EXACTLY_ONE = "set exactly one of version, alias and latestReady"


class ServingDeploymentSpec(ApiModel):
    """A model behind one host: the wanted version, how it runs, and how it is released."""

    model: DnsLabel
    """The Model in this namespace."""
    version: DnsLabel | None = None
    """The wanted version. Exactly one of version, alias and latestReady."""
    alias: DnsLabel | None = None
    """Follow this alias of the model. Exactly one of version, alias and latestReady."""
    latest_ready: bool = False
    """Release each new version that is ready and not quarantined; the newest is the one created last. Exactly one of
    version, alias and latestReady."""
    host: Annotated[
        str,
        Field(min_length=1, max_length=253),
        in_words(
            r"^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            "write a host name without scheme, port or path, such as ranker.example.com",
        ),
    ]
    """Host name under which the model answers."""
    gateway: GatewayRef
    """The Gateway."""
    predictor: Predictor = Predictor()
    """How each version runs."""
    rollout: Rollout = Rollout()
    """How a new version replaces the old one."""
    objectives: Annotated[list[Objective], Field(max_length=4), list_map("name")] = []
    """Which share of the answers is to be good at all times; an Incident when the rest is used up too fast."""
    rules = (
        Rule("has(self.version) != has(self.alias) || has(self.latestReady) && self.latestReady", _EXACTLY_ONE),
        Rule(
            "!has(self.latestReady) || !self.latestReady || !has(self.version) && !has(self.alias)",
            _EXACTLY_ONE,
        ),
    )


class VersionRef(ApiModel):
    """One version with the objects that run it."""

    version: DnsLabel
    """The version."""
    digest: Annotated[str, Field(max_length=71)]
    """Its artifact."""
    inference_service: DnsName
    """The KServe InferenceService that runs it."""
    predictor_hash: Annotated[str, Field(max_length=64)]
    """Hash of the predictor configuration it runs with."""
    predictor: Predictor | None = None
    """That configuration, so that the version can be put back as it was."""
    min_replicas: Annotated[int, Field(ge=1)] | None = None
    """Replicas it is held at for the time of a release, where that is more than the configuration says."""
    start_seconds: Annotated[int, Field(ge=0)] | None = None
    """What it took to be ready when it was released; an undo takes about as long."""
    since: Time | None = None
    """When it took this role."""
    baked: bool = False
    """Whether it passed its bake."""
    twin: bool | None = None
    """Whether this is a second copy of a version, made for a comparison; unset where it is not."""


class Weights(ApiModel):
    """The new version's share of the traffic in percent."""

    desired: Percent = 0
    """What the step asks for."""
    observed: Percent = 0
    """What the route says."""


class StepRecord(ApiModel):
    """A step that was entered."""

    index: Annotated[int, Field(ge=0)]
    """Its index."""
    weight: Percent
    """The weight in it."""
    mirror: bool = False
    """Whether the new version was mirrored in it."""
    started_at: Time
    """When it was entered."""
    ended_at: Time | None = None
    """When it was left."""
    requests: Annotated[int, Field(ge=0)] = 0
    """Answers of the new version in it."""


class PodRestarts(ApiModel):
    """Restarts of a pod's containers up to some moment."""

    pod: DnsName
    """The pod."""
    restarts: Annotated[int, Field(ge=1)]
    """How many, all of its containers together."""


class RolloutStatus(ApiModel):
    """A rollout under way, or the last one."""

    id: Annotated[str, Field(max_length=64)]
    """Version, digest, predictor and start in one: a new id is a new rollout."""
    version: DnsLabel
    """The version that is released."""
    inference_service: DnsName
    """The InferenceService that runs it."""
    baseline: Annotated[str, Field(max_length=63)] = ""
    """The version it is compared with; empty for a first version."""
    undo: bool = False
    """Whether a person went back to this version: in one step, and no gate is asked."""
    state: Literal["Starting", "Stepping", "Paused", "Baking", "Completed", "Aborted", "Superseded"]
    """Where it is."""
    step_index: Annotated[int, Field(ge=0)] = 0
    """Index into the steps: the setWeight or mirror that holds now; the pauses after it belong to it."""
    step: Annotated[str, Field(max_length=16)] | None = None
    """Which of how many weights and mirrors is under way, such as 2/4; a pause belongs to the one before it. Unset
    before the first step and after the last."""
    mirror: bool = False
    """Whether the new version sees a copy of every request in this step, and answers nobody."""
    step_hash: Annotated[str, Field(max_length=64)] = ""
    """Hash of the steps the index means."""
    step_started_at: Time | None = None
    """When the step's weight was first read back from the route, or the bake began; steps advance from this and the
    clock alone."""
    started_at: Time
    """When it began."""
    finished_at: Time | None = None
    """When it ended."""
    weights: Weights = Weights()
    """Shares of the traffic."""
    paused_at: Time | None = None
    """When a person paused it."""
    paused_seconds: Annotated[int, Field(ge=0)] = 0
    """Seconds of the current step spent paused by a person."""
    wait_skipped: bool = False
    """Whether a person ended the wait of the current step."""
    unready_since: Time | None = None
    """Since when the version has no ready replica although it should get traffic."""
    unready_times: Annotated[int, Field(ge=0)] = 0
    """How often it lost its last ready replica while stable kept one."""
    restarts_before: Annotated[list[PodRestarts], Field(max_length=64), list_map("pod")] | None = None
    """Restarts of pods from before the new version got its first request, which are not held against it; unset where
    there were none."""
    hold_since: Time | None = None
    """Since when the step is over but a gate cannot tell."""
    lacking_since: Time | None = None
    """Since when the step is over but replicas for the next one are missing; unset while it is paused or frozen."""
    error_since: Time | None = None
    """Since when the gates are in Error, for want of numbers."""
    error_incident: Annotated[str, Field(max_length=253)] = ""
    """The Incident about that, once it has lasted for errorSeconds; empty again when the gates can tell."""
    measured_at: Time | None = None
    """When the numbers below were read; they are written at most every two seconds."""
    gates: Annotated[list[GateStatus], Field(max_length=MAX_TESTS), list_map("name")] = []
    """The gates in the current step, each followed by what it says of its slices."""
    evidence: Annotated[list[Evidence], Field(max_length=2), list_map("role")] = []
    """Counters in the current step; resumed after a restart of the operator."""
    history: Annotated[list[StepRecord], Field(max_length=64)] = []
    """Every step entered, oldest first."""


class Abort(ApiModel):
    """Why the last rollout was taken back."""

    at: Time
    """When it was decided."""
    version: DnsLabel
    """The version."""
    digest: Annotated[str, Field(max_length=71)]
    """Its artifact."""
    predictor_hash: Annotated[str, Field(max_length=64)]
    """Its predictor configuration."""
    reason: Annotated[str, Field(max_length=64)]
    """GateFailed, Inconclusive, Aborted or Undone (by a person), ProgressDeadlineExceeded, NotReady or
    MirrorRefused."""
    gate: ShortText = ""
    """The gate."""
    message: Text = ""
    """With the numbers."""
    incident: Annotated[str, Field(max_length=253)] = ""
    """The Incident."""
    route_confirmed_at: Time | None = None
    """When the route was read back with all traffic on stable."""


class Draining(ApiModel):
    """A version without traffic whose predictor is about to be deleted."""

    inference_service: DnsName
    """The InferenceService."""
    since: Time
    """Since when the route is known to send it nothing."""


class ActionRecord(ApiModel):
    """A verb that was run."""

    id: Annotated[str, Field(max_length=128)]
    """Its id; an id runs once."""
    verb: Annotated[str, Field(max_length=32)]
    """promote, pause, resume, abort, retry or undo."""
    by: ShortText = ""
    """Who asked, as stamped at admission."""
    reason: ShortText = ""
    """Why."""
    at: Time
    """When it ran."""
    result: ShortText = ""
    """What it did, or why it did nothing."""


def incident_name(deployment: str, rollout: RolloutStatus) -> str:
    """Name of the Incident a rollout leaves if it is taken back: one rollout, one Incident."""
    return f"{deployment}-{rollout.id}"


class ServingDeploymentStatus(Status):
    """Which versions answer, and how the release goes."""

    stable: VersionRef | None = None
    """The version that is trusted."""
    candidate: VersionRef | None = None
    """The version being released."""
    twin: VersionRef | None = None
    """A second copy of stable that the candidate is compared with."""
    rollback_target: VersionRef | None = None
    """The old stable, kept at its size until the bake ends."""
    kept: Annotated[list[VersionRef], Field(max_length=5), list_map("inferenceService")] = []
    """Versions that were stable before, newest first: not running, and `undo` goes back to them."""
    rollout: RolloutStatus | None = None
    """The rollout under way, or the last one."""
    queued_at: Time | None = None
    """Since when a release waits for its turn, where only so many may run in the namespace."""
    abort: Abort | None = None
    """Why the last rollout was taken back."""
    draining: Annotated[list[Draining], Field(max_length=16), list_map("inferenceService")] = []
    """Versions that are about to be deleted."""
    actions: Annotated[list[ActionRecord], Field(max_length=20)] = []
    """The newest verbs, oldest first."""
    objectives: Annotated[list[ObjectiveStatus], Field(max_length=4), list_map("name")] = []
    """How the objectives do."""
    url: Annotated[str, Field(max_length=512)] = ""
    """Where the model answers."""
    summary: Text = ""
    """What is happening and why, in a sentence."""

    @property
    def running(self) -> list[VersionRef]:
        """Everything that has an InferenceService, stable first."""
        roles = (self.stable, self.candidate, self.twin, self.rollback_target)
        return [ref for ref in roles if ref is not None]


KIND = Kind(
    kind="ServingDeployment",
    plural="servingdeployments",
    spec=ServingDeploymentSpec,
    status=ServingDeploymentStatus,
    short_names=("sdep",),
    columns=(
        Column("Model", ".spec.model"),
        Column("Stable", ".status.stable.version"),
        Column("Candidate", ".status.candidate.version"),
        Column("Weight", ".status.rollout.weights.observed", "integer"),
        Column("Step", ".status.rollout.step"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
        Column("Summary", ".status.summary", priority=1),
        Column("URL", ".status.url", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    selectable=(".spec.model",),
    rules=(DNS_LABEL_NAME, name_at_most(40, "versions and pods add to it")),
)
