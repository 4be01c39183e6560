"""ModelVersion: one trained artifact, by digest, with where it came from and how good it is. Immutable."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shipway.api.schema import (
    ApiModel,
    Column,
    Decimal,
    Digest,
    DnsLabel,
    DnsName,
    Kind,
    Rule,
    ShortText,
    Status,
    Text,
    Time,
    Uri,
    list_map,
)


class Reason(StrEnum):
    """Why a condition of a ModelVersion is what it is."""

    VERIFYING = "Verifying"
    VERIFIED = "Verified"
    DIGEST_MISMATCH = "DigestMismatch"
    ARTIFACT_UNREADABLE = "ArtifactUnreadable"
    MODEL_MISSING = "ModelMissing"
    QUARANTINED = "Quarantined"
    NOT_QUARANTINED = "NotQuarantined"
    POD_REFUSED = "PodRefused"


class ConditionType(StrEnum):
    """Conditions beside Ready, Reconciling and Stalled."""

    DIGEST_VERIFIED = "DigestVerified"
    QUARANTINED = "Quarantined"


class Format(ApiModel):
    """What the artifact is; serving runtimes are chosen by it."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name, such as shipway-ranker."""
    version: Annotated[str, Field(min_length=1, max_length=16)] = "1"
    """Version of the format."""


class Source(ApiModel):
    """Where the artifact lies."""

    uri: Uri
    """The artifact's folder, such as s3://models/team-reco/ranker/v1."""
    secret_name: DnsName | None = None
    """Secret with the storage credentials."""


class DatasetRef(ApiModel):
    """Data the version was trained on."""

    name: ShortText
    """Name of the data set."""
    digest: Digest | None = None
    """Digest of the snapshot."""
    uri: Annotated[str, Field(max_length=1024)] = ""
    """Where it lay."""


class FeatureViewRef(ApiModel):
    """Features that the version reads when it answers."""

    name: ShortText
    """Name of the feature view, or of the table."""
    uri: Annotated[str, Field(max_length=1024)] = ""
    """What fills it, such as kafka://clicks or s3://lake/clicks."""


class TrainingRef(ApiModel):
    """The run that made the version."""

    name: DnsName
    """Name of the TrainingJob."""
    uid: Annotated[str, Field(max_length=64)]
    """Its uid: names are reused, uids are not."""
    attempts: Annotated[int, Field(ge=1)] = 1
    """How many attempts it took."""


class Lineage(ApiModel):
    """Where the version came from."""

    training_job: TrainingRef | None = None
    """The run that made it."""
    image: Annotated[str, Field(max_length=512)] = ""
    """The image the run used."""
    code_revision: ShortText = ""
    """Revision of the training code."""
    datasets: Annotated[list[DatasetRef], Field(max_length=32)] = []
    """The data it was trained on."""
    feature_views: Annotated[list[FeatureViewRef], Field(max_length=32)] = []
    """The features it reads when it answers."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """The seed."""
    parameters: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=64)] = {}
    """Parameters of the recipe."""


class Evaluation(ApiModel):
    """One measured quality."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name, such as auc."""
    value: Decimal
    """The number."""
    dataset: Annotated[str, Field(max_length=128)] = ""
    """What it was measured on."""
    slice: Annotated[str, Field(max_length=128)] = ""
    """Which part of it; empty for all."""


class ModelVersionSpec(ApiModel):
    """A version of a model: artifact and digest, lineage, evaluation. It cannot be changed once created."""

    model_name: DnsLabel
    """The Model in this namespace."""
    version: DnsLabel
    """The version."""
    source: Source
    """Where the artifact lies."""
    digest: Digest
    """OpenSSF Model Signing root digest: SHA-256 over the files' SHA-256 digests in order of their names."""
    format: Format
    """What the artifact is."""
    size_bytes: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Size of all files."""
    lineage: Lineage = Lineage()
    """Where it came from."""
    evaluation: Annotated[list[Evaluation], Field(max_length=64), list_map("name", "dataset", "slice")] = []
    """How good it is."""
    rules = (
        Rule("self == oldSelf", "a model version cannot be changed; publish a new version instead"),
        Rule(
            "size(self.modelName) + size(self.version) <= 40",
            "modelName and version together are longer than 40 characters; shorten one",
        ),
    )


class ServedBy(ApiModel):
    """A ServingDeployment that sends traffic to this version."""

    name: DnsName
    """Its name."""
    weight: Annotated[int, Field(ge=0, le=100)]
    """Its share of the traffic in percent."""


class ModelVersionStatus(Status):
    """What was verified, and who serves it."""

    verified_digest: Annotated[str, Field(max_length=71)] = ""
    """The digest computed from the stored artifact."""
    verified_at: Time | None = None
    """When it was computed."""
    failed_verifications: Annotated[int, Field(ge=0)] = 0
    """How often in a row the artifact could not be read."""
    last_failed_at: Time | None = None
    """When the verify pod last failed, by the pod's own clock; the next try is counted from it."""
    served_by: Annotated[list[ServedBy], Field(max_length=32), list_map("name")] = []
    """ServingDeployments that send traffic to it."""
    message: Text = ""
    """What the verifier said."""


KIND = Kind(
    kind="ModelVersion",
    plural="modelversions",
    spec=ModelVersionSpec,
    status=ModelVersionStatus,
    short_names=("mv",),
    columns=(
        Column("Model", ".spec.modelName"),
        Column("Version", ".spec.version"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
        Column("AUC", ".spec.evaluation[?(@.name=='auc')].value"),
        Column("Digest", ".spec.digest", priority=1),
        Column("Source", ".spec.source.uri", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    selectable=(".spec.modelName", ".spec.version"),
    rules=(
        Rule(
            "self.metadata.name == self.spec.modelName + '-' + self.spec.version",
            "metadata.name must be spec.modelName, a dash and spec.version, such as ranker-v1 for ranker and v1",
        ),
    ),
)
