"""Incident: what went wrong, whose it is, and the evidence. Made by the operator; kept after its maker is gone."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import (
    ApiModel,
    Column,
    DnsName,
    Kind,
    Rule,
    ShortText,
    Status,
    Text,
    Time,
    known_ones,
    list_map,
)
from shipway.api.v1alpha1.gates import MAX_TESTS


class Reason(StrEnum):
    """Why a condition of an Incident is what it is."""

    MITIGATED = "Mitigated"
    MITIGATING = "Mitigating"
    UNDO_GIVEN_UP = "UndoGivenUp"
    OVERTAKEN = "Overtaken"
    ACKNOWLEDGED = "Acknowledged"
    NOT_ACKNOWLEDGED = "NotAcknowledged"
    RESOLVED = "Resolved"
    OPEN = "Open"
    LIFTED = "Lifted"
    HELD = "Held"
    OWNED = "Owned"
    NO_TEAM = "NoTeam"
    NAMESPACE_CLAIMED = "NamespaceClaimed"
    TEAMS_NOT_READ = "TeamsNotRead"
    TOLD = "Told"
    TELLING = "Telling"
    NOT_DELIVERED = "NotDelivered"
    NO_RECEIVER = "NoReceiver"
    UNKNOWN_TYPE = "UnknownType"


class IncidentType(StrEnum):
    """What an Incident is about. A newer operator may know more."""

    ROLLBACK = "Rollback"
    GATE_ERROR = "GateError"
    SLO_BURN = "SLOBurn"
    STALE_FEATURES = "StaleFeatures"
    TRAINING_HANG = "TrainingHang"


class Step(StrEnum):
    """A kind of thing on the way from what was seen to what it may come from."""

    METRIC = "Metric"
    VERSION = "Version"
    CODE = "Code"
    PARAMETER = "Parameter"
    SNAPSHOT = "Snapshot"
    FEATURES = "Features"
    UPSTREAM = "Upstream"


class Subject(ApiModel):
    """The object the incident is about."""

    kind: Annotated[str, Field(max_length=63)]
    """Its kind."""
    name: DnsName
    """Its name."""
    uid: Annotated[str, Field(max_length=64)] = ""
    """Its uid."""


class Evidence(ApiModel):
    """The numbers of one gate at the moment of the decision, or of one window of an objective."""

    gate: ShortText
    """Name of the gate, behind a slash the slice where it is about one; or of the objective."""
    verdict: Annotated[str, Field(max_length=32)]
    """Fail, Pass, Inconclusive or Error; Burning of an objective."""
    candidate: ShortText = ""
    """What the candidate did, such as 7 errors in 31 requests (22.58 %)."""
    stable: ShortText = ""
    """What stable did in the same time."""
    bound: ShortText = ""
    """The bound that was crossed."""
    samples: Annotated[int, Field(ge=0)] = 0
    """Candidate samples seen."""


class IncidentSpec(ApiModel):
    """What happened: written once by the operator and never changed."""

    type: Annotated[str, known_ones(IncidentType)]
    """Rollback: a version was taken back. GateError: the gates of a release cannot tell, which blames no version; what
    they measure by is to be mended. SLOBurn: the error budget of an objective is used up too fast. StaleFeatures: the
    same of an objective for features that are old or missing. TrainingHang: a training makes no more steps. None of the
    last three blames a version."""
    severity: Literal["Critical", "Major", "Minor"] = "Major"
    """From the model's tier."""
    subject: Subject
    """The object it is about."""
    model: Annotated[str, Field(max_length=63)]
    """The Model; empty of a training without an output."""
    version: Annotated[str, Field(max_length=63)]
    """The version that was taken back; of a GateError, the one that is released; of an objective's, the stable one; of
    a TrainingHang, the one that is to be made."""
    digest: Annotated[str, Field(max_length=71)]
    """Its artifact; empty of a TrainingHang."""
    predictor_hash: Annotated[str, Field(max_length=64)]
    """The predictor configuration it ran with; empty of a TrainingHang."""
    stable_version: Annotated[str, Field(max_length=63)] = ""
    """The version that answers instead."""
    owner: ShortText
    """The owning team, as the Model says; `status.owner` is whose it is."""
    on_call: ShortText = ""
    """Whom to page, as the Model says."""
    runbook: Annotated[str, Field(max_length=512)] = ""
    """What to do, as the Model says."""
    gate: ShortText
    """The gate that failed or cannot tell, the verb that was used, or the objective; `hang` of a TrainingHang."""
    summary: Text
    """A sentence with the numbers."""
    evidence: Annotated[list[Evidence], Field(max_length=MAX_TESTS)] = []
    """All gates, and what each says of its slices, at the moment of the decision."""
    step_index: Annotated[int, Field(ge=0)] = 0
    """The step of the rollout."""
    weight: Annotated[int, Field(ge=0, le=100)] = 0
    """The candidate's weight at the time."""
    exposed_at: Time | None = None
    """When the version got its first share of the traffic in this rollout; unset when it never did."""
    detected_at: Time
    """When the decision was taken."""
    quarantine: bool = True
    """Whether the version is held back until someone retries it."""
    rules = (Rule("self == oldSelf", "an incident's record cannot be changed; annotate it or set its status"),)


class TimelineEntry(ApiModel):
    """One event."""

    time: Time
    """When."""
    event: ShortText
    """What."""


class SignOff(ApiModel):
    """Somebody's word on the incident."""

    by: ShortText
    """Who."""
    time: Time
    """When the operator first saw it."""


class Lift(ApiModel):
    """Who released the version again."""

    by: ShortText
    """Who."""
    reason: Text = ""
    """Why."""
    time: Time
    """When."""


class Suspect(ApiModel):
    """One step on the way from what was seen to what it may come from."""

    step: Annotated[str, known_ones(Step)]
    """What kind of thing it is."""
    name: ShortText
    """Which one."""
    changed: bool = False
    """Whether the stable version was made with another one."""
    detail: Text = ""
    """What it is, and what stable's is where that differs."""


class Notified(ApiModel):
    """What one receiver knows."""

    receiver: Annotated[str, Field(max_length=63)]
    """Its name; never an address."""
    told: Annotated[str, Field(max_length=16)] = ""
    """The last it took: Opened, Mitigated or Resolved; empty while it has taken nothing."""
    told_at: Time | None = None
    """When it took that."""
    first_told_at: Time | None = None
    """When it took anything."""
    failing: ShortText = ""
    """Why the last try failed; empty when it did not. It is tried again."""


class IncidentStatus(Status):
    """How it was handled."""

    team: Annotated[str, Field(max_length=253)] = ""
    """The Team whose the namespace is; empty while there is none, or more than one."""
    owner: ShortText = ""
    """Whose it is: that Team, or else what the Model names."""
    owners: Annotated[list[ShortText], Field(max_length=16)] = []
    """Who answers for it: the Team's owners, with their addresses."""
    on_call: ShortText = ""
    """Whom to page: as the Model says, or else the Team."""
    runbook: Annotated[str, Field(max_length=1024)] = ""
    """What to do: as the Model says, or else our page about the type."""
    acknowledged: SignOff | None = None
    """Who looks after it, by the annotation shipway.dev/acknowledged-by."""
    resolved: SignOff | None = None
    """Who has closed it, by the annotation shipway.dev/resolved-by; what opens again after that calls again."""
    seconds_to_detect: Annotated[int, Field(ge=0)] | None = None
    """From the version's first share of the traffic to the decision: the harm cannot have lasted longer."""
    seconds_to_mitigate: Annotated[int, Field(ge=0)] | None = None
    """From the decision to all traffic on stable, as read from the route."""
    mitigated_at: Time | None = None
    """When the traffic was back on stable, as read from the route; of a GateError, when the gates could tell again, or
    the release was over; of an objective's, when the budget was burnt no more; of a TrainingHang, when the training
    made steps again, or had ended."""
    suspects: Annotated[list[Suspect], Field(max_length=32)] = []
    """Where to look for the cause, from the metric by the version's lineage to the data."""
    notified: Annotated[list[Notified], Field(max_length=32), list_map("receiver")] = []
    """Who was told what, and when."""
    lifted: Lift | None = None
    """Set by `retry`: the quarantine no longer holds."""
    timeline: Annotated[list[TimelineEntry], Field(max_length=32)] = []
    """What happened, oldest first: the first and the newest events."""
    timeline_left_out: Annotated[int, Field(ge=0)] | None = None
    """How many events between those are not in the timeline any more; unset while all are."""


KIND = Kind(
    kind="Incident",
    plural="incidents",
    spec=IncidentSpec,
    status=IncidentStatus,
    short_names=("inc",),
    columns=(
        Column("Type", ".spec.type"),
        Column("Severity", ".spec.severity"),
        Column("Model", ".spec.model"),
        Column("Version", ".spec.version"),
        Column("Gate", ".spec.gate"),
        Column("Owner", ".status.owner"),
        Column("Mitigated", ".status.conditions[?(@.type=='Mitigated')].status"),
        Column("Acknowledged-By", ".status.acknowledged.by"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason", priority=1),
        Column("Notified", ".status.conditions[?(@.type=='Notified')].reason", priority=1),
        Column("On-Call", ".status.onCall", priority=1),
        Column("Runbook", ".status.runbook", priority=1),
        Column("Summary", ".spec.summary", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    selectable=(".spec.model", ".spec.digest"),
)
