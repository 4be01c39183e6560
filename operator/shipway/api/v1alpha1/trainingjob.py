"""TrainingJob: a model trained on pods the job owns, resumed from its checkpoints, published as a ModelVersion."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shipway.api.schema import (
    DNS_LABEL_NAME,
    ApiModel,
    Column,
    Decimal,
    DnsLabel,
    DnsName,
    Kind,
    Quantity,
    Rule,
    ShortText,
    Status,
    Text,
    Time,
    Uri,
    in_words,
    list_map,
    name_at_most,
)


class Reason(StrEnum):
    """Why a condition of a TrainingJob is what it is."""

    SUSPENDED = "Suspended"
    PODS_PENDING = "PodsPending"
    PODS_STARTING = "PodsStarting"
    RUNNING = "Running"
    HANGING = "Hanging"
    RESTARTING = "Restarting"
    PUBLISHING = "Publishing"
    COMPLETED = "Completed"
    NOT_FINISHED = "NotFinished"
    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    RESULT_INVALID = "ResultInvalid"
    VERSION_CONFLICT = "VersionConflict"
    POD_REFUSED = "PodRefused"


class Cause(StrEnum):
    """What ended an attempt."""

    COMPLETED = "Completed"
    SUSPENDED = "Suspended"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    NODE_LOST = "NodeLost"
    EVICTED = "Evicted"
    PREEMPTED = "Preempted"
    POD_DELETED = "PodDeleted"
    OOM_KILLED = "OOMKilled"
    KILLED = "Killed"
    HUNG = "Hung"
    ERROR = "Error"


class OnHang(StrEnum):
    """What is done about a training that makes no more steps."""

    OBSERVE = "Observe"
    NOTIFY = "Notify"
    RESTART = "Restart"


class EnvVar(ApiModel):
    """One environment variable."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=128),
        in_words(r"^[A-Za-z_][A-Za-z0-9_]*$", "write letters, digits and underscores, not beginning with a digit"),
    ]
    """Name of the variable; names starting with SHIPWAY_ or PET_ are the operator's."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value, as plain text. Secrets come through storage.secretName."""


class Resources(ApiModel):
    """Requests and limits of each pod."""

    requests: Annotated[dict[str, Quantity], Field(max_length=16)] = {}
    """Quantities by resource name, such as cpu, memory or nvidia.com/gpu."""
    limits: Annotated[dict[str, Quantity], Field(max_length=16)] = {}
    """Quantities by resource name."""


class Recipe(ApiModel):
    """A training program that ships with the workloads image."""

    name: Annotated[str, Field(max_length=32)]
    """Name of the recipe: ranker."""
    parameters: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=64)] = {}
    """Parameters of the recipe, as strings."""
    rules = (Rule("self.name in ['ranker']", "unknown recipe; the built-in recipes are: ranker", "name"),)


class Storage(ApiModel):
    """Where checkpoints and artifacts go."""

    uri: Uri
    """Prefix below which the job writes, such as s3://models/team-reco."""
    secret_name: DnsName | None = None
    """Secret in this namespace with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL and AWS_REGION."""
    rules = (
        Rule(
            "self.uri.startsWith('s3://')",
            "unsupported scheme; write an object store prefix such as s3://bucket/path",
            "uri",
        ),
    )


class Checkpoint(ApiModel):
    """How often training saves its state."""

    every_steps: Annotated[int, Field(ge=1, le=10_000_000)] = 100
    """Steps between two checkpoints."""


class Output(ApiModel):
    """The ModelVersion made when training succeeds."""

    model: DnsLabel
    """Name of the Model in this namespace."""
    version: DnsLabel
    """Version; the ModelVersion is called MODEL-VERSION."""
    rules = (
        Rule(
            "size(self.model) + size(self.version) <= 40",
            "model and version together are longer than 40 characters; shorten one: serving pods are named after both",
        ),
    )


class Health(ApiModel):
    """When a training counts as hung, and what is done then. Trainings that report no steps are not judged."""

    on_hang: OnHang = OnHang.NOTIFY
    """Observe: the message of Ready says so. Notify: Ready is False, and an Incident calls for whoever owns the model.
    Restart: the same, and a new attempt begins from the last checkpoint, which maxRestarts bounds."""
    hang_seconds: Annotated[int, Field(ge=10, le=86_400)] | None = None
    """Longest time without a new step; when left out, ten times what a step usually takes and at least 120. While
    rank 0 announces an activity it is six times as long, and at least 900."""


class TrainingJobSpec(ApiModel):
    """A training run: which program, on how many pods, from which checkpoint, into which model."""

    nodes: Annotated[int, Field(ge=1, le=1024)] = 1
    """Number of pods."""
    procs_per_node: Annotated[int, Field(ge=1, le=64)] = 1
    """Training processes (ranks) in each pod."""
    image: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Container image; the operator's default workloads image when left out."""
    recipe: Recipe | None = None
    """A built-in training program. Exactly one of recipe and command."""
    command: Annotated[list[Annotated[str, Field(max_length=32768)]], Field(max_length=64)] = []
    """The command of an own training program, run with the torchrun environment. Exactly one of recipe and command."""
    args: Annotated[list[Annotated[str, Field(max_length=32768)]], Field(max_length=64)] = []
    """Arguments of command."""
    env: Annotated[list[EnvVar], Field(max_length=64), list_map("name")] = []
    """Further environment variables."""
    resources: Resources = Resources()
    """Requests and limits of each pod."""
    service_account_name: DnsName | None = None
    """Service account of the pods; default when left out."""
    storage: Storage
    """Where checkpoints and artifacts go."""
    checkpoint: Checkpoint = Checkpoint()
    """How often training saves its state."""
    seed: Annotated[int, Field(ge=0, le=2_147_483_647)] = 0
    """Seed of every random choice."""
    max_restarts: Annotated[int, Field(ge=0, le=1000)] = 3
    """How often the job may start anew from its last checkpoint after a pod was lost, or after a hang."""
    health: Health = Health()
    """When the training counts as hung, and what is done then. May be changed."""
    active_deadline_seconds: Annotated[int, Field(ge=1, le=31_536_000)] | None = None
    """Longest time from start to end, restarts included and suspension excluded."""
    suspend: bool = False
    """True stops the pods and keeps the checkpoints."""
    output: Output | None = None
    """The ModelVersion made on success; none when left out."""
    rules = (
        Rule(
            "has(self.recipe) != (has(self.command) && size(self.command) > 0)",
            "set exactly one of recipe (a built-in program) and command (your own)",
        ),
        Rule(
            "!has(self.args) || size(self.args) == 0 || (has(self.command) && size(self.command) > 0)",
            "args need a command; a recipe takes recipe.parameters instead",
            "args",
        ),
        Rule(
            "!has(self.env) || self.env.all(e, !e.name.startsWith('SHIPWAY_') && !e.name.startsWith('PET_'))",
            "names starting with SHIPWAY_ or PET_ are set by the operator; choose another name",
            "env",
        ),
    )


class Progress(ApiModel):
    """Where training is, as its rank 0 last said."""

    step: Annotated[int, Field(ge=0)] = 0
    """Optimizer steps done."""
    total_steps: Annotated[int, Field(ge=0)] = 0
    """Steps planned."""
    loss: Decimal | None = None
    """Mean training loss over all ranks."""
    samples_per_second: Decimal | None = None
    """Training samples per second over all ranks."""
    time: Time | None = None
    """When the operator heard it; the next one is written 10 s later at the earliest."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """The attempt it is about."""


class LastCheckpoint(ApiModel):
    """The newest complete checkpoint."""

    step: Annotated[int, Field(ge=0)]
    """Step it was taken after."""
    uri: Uri
    """Where it lies."""
    time: Time
    """When it was complete."""


class Attempt(ApiModel):
    """One start of all pods."""

    attempt: Annotated[int, Field(ge=1)]
    """Number of the attempt, from 1."""
    started_at: Time
    """When it was decided, before any of its pods was asked for."""
    pods_created_at: Time | None = None
    """When all its pods had been seen. Before, a missing pod is created; after, a missing pod is a lost pod."""
    ended_at: Time | None = None
    """When it ended."""
    cause: ShortText = ""
    """What ended it, such as Completed, Suspended, NodeLost, Evicted, PodDeleted, OOMKilled, Killed, Hung or Error."""
    pod: ShortText = ""
    """The first pod that failed; of a hang, that of rank 0, which tells of the steps."""
    node: ShortText = ""
    """The node it ran on."""
    rank: int | None = None
    """Its node rank."""
    exit_code: int | None = None
    """Its exit code, where it had one."""
    step: int | None = None
    """The last step seen in the attempt."""
    message: Text = ""
    """What the program said about its failure."""


class Hang(ApiModel):
    """A training that makes no more steps."""

    attempt: Annotated[int, Field(ge=1)]
    """The attempt it is about."""
    step: Annotated[int, Field(ge=0)]
    """The last step."""
    since: Time
    """When that step was heard of."""
    detected_at: Time
    """When it was called a hang."""
    message: Text
    """How long it had lasted then, and what was allowed."""
    incident: Annotated[str, Field(max_length=253)] = ""
    """Name of the Incident; empty where spec.health.onHang is Observe."""


class TrainingJobStatus(Status):
    """What the operator knows of the run."""

    attempt: Annotated[int, Field(ge=0)] = 0
    """The current attempt; 0 before the first."""
    restarts: Annotated[int, Field(ge=0)] = 0
    """Attempts that a lost pod or a hang made necessary; starting anew after a suspension is none."""
    start_time: Time | None = None
    """When the first attempt started."""
    suspended_seconds: Annotated[int, Field(ge=0)] = 0
    """Seconds spent suspended since then; they do not count against activeDeadlineSeconds."""
    image: Annotated[str, Field(max_length=512)] = ""
    """The image of every attempt, settled at the first: an upgrade of the operator does not change a run under way."""
    completion_time: Time | None = None
    """When the job succeeded or failed."""
    progress: Progress | None = None
    """Step, loss and speed."""
    last_checkpoint: LastCheckpoint | None = None
    """The checkpoint a restart would resume from."""
    hang: Hang | None = None
    """Set while the training makes no more steps, until it makes one again, in this attempt or the next, or ends."""
    attempts: Annotated[list[Attempt], Field(max_length=20)] = []
    """The newest attempts, oldest first."""
    loss_trace_digest: Annotated[str, Field(max_length=71)] | None = None
    """Digest of the losses of every step: equal digests are equal runs."""
    model_version: DnsName | None = None
    """The ModelVersion made of it."""


KIND = Kind(
    kind="TrainingJob",
    plural="trainingjobs",
    spec=TrainingJobSpec,
    status=TrainingJobStatus,
    short_names=("tj", "tjob"),
    columns=(
        Column("State", ".status.conditions[?(@.type=='Ready')].reason"),
        Column("Step", ".status.progress.step", "integer"),
        Column("Of", ".status.progress.totalSteps", "integer"),
        Column("Loss", ".status.progress.loss"),
        Column("Samples/s", ".status.progress.samplesPerSecond"),
        Column("Restarts", ".status.restarts", "integer"),
        Column("Version", ".status.modelVersion"),
        Column("Message", ".status.conditions[?(@.type=='Ready')].message", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    selectable=(".spec.output.model",),
    rules=(DNS_LABEL_NAME, name_at_most(48, "pods add an attempt and a rank to it")),
    mutable=("suspend", "health"),
    change_by="delete the job and create it anew, or create one under another name",
)
