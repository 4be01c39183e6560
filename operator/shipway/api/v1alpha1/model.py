"""Model: what is registered, who owns it, and which version each alias names."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import (
    DNS_LABEL_NAME,
    ApiModel,
    Column,
    Digest,
    DnsLabel,
    DnsName,
    Email,
    Kind,
    ShortText,
    Status,
    Text,
    Time,
    in_words,
    list_map,
    name_at_most,
)


class Reason(StrEnum):
    """Why a condition of a Model is what it is."""

    RESOLVED = "Resolved"
    NO_VERSION = "NoVersion"
    ALIAS_DANGLING = "AliasDangling"


class Contact(ApiModel):
    """Who answers for the model."""

    team: Annotated[str, Field(min_length=1, max_length=63)]
    """The owning team."""
    email: Email | None = None
    """Where to write."""
    on_call: ShortText = ""
    """Whom to page: a rotation, channel or person."""


class Alias(ApiModel):
    """A name for a version that consumers may follow."""

    name: DnsLabel
    """The alias, such as champion."""
    version: DnsLabel
    """The version it names."""


class ModelSpec(ApiModel):
    """A registered model: its purpose, owner, importance and aliases."""

    owner: Contact
    """Who answers for the model."""
    tier: Literal["Critical", "Standard", "Experimental"] = "Standard"
    """Importance; sets the severity of its incidents."""
    purpose: Text = ""
    """What the model decides, in a sentence."""
    runbook: (
        Annotated[str, Field(max_length=512), in_words(r"^https?://[^\s]+$", "write a link that begins with https://")]
        | None
    ) = None
    """What to do when it misbehaves."""
    aliases: Annotated[list[Alias], Field(max_length=16), list_map("name")] = []
    """Names for versions."""


class AliasChange(ApiModel):
    """One move of an alias."""

    name: DnsLabel
    """The alias."""
    from_version: Annotated[str, Field(max_length=63)] = ""
    """The version it named before; empty when new."""
    to_version: Annotated[str, Field(max_length=63)] = ""
    """The version it names now; empty when removed."""
    time: Time
    """When the operator saw the move."""


class Quarantine(ApiModel):
    """A version that was taken back and is not released again until someone retries it."""

    version: DnsLabel
    """The version."""
    digest: Digest
    """Its artifact."""
    predictor_hash: Annotated[str, Field(max_length=64)]
    """The predictor configuration it failed with."""
    reason: Text
    """Which gate, with the numbers."""
    incident: DnsName
    """The Incident that has the evidence."""
    since: Time
    """Since when."""


class ModelStatus(Status):
    """Versions, aliases and quarantine."""

    versions: Annotated[int, Field(ge=0)] = 0
    """How many ModelVersions exist."""
    latest_version: Annotated[str, Field(max_length=63)] = ""
    """The newest ready version."""
    aliases: Annotated[list[Alias], Field(max_length=16), list_map("name")] = []
    """The aliases as resolved."""
    alias_history: Annotated[list[AliasChange], Field(max_length=50)] = []
    """The newest moves, oldest first."""
    quarantined: Annotated[list[Quarantine], Field(max_length=50), list_map("digest", "predictorHash")] = []
    """Versions held back, derived from open Incidents."""


KIND = Kind(
    kind="Model",
    plural="models",
    spec=ModelSpec,
    status=ModelStatus,
    short_names=("mdl",),
    columns=(
        Column("Owner", ".spec.owner.team"),
        Column("Tier", ".spec.tier"),
        Column("Versions", ".status.versions", "integer"),
        Column("Latest", ".status.latestVersion"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Runbook", ".spec.runbook", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    rules=(DNS_LABEL_NAME, name_at_most(38, "versions and serving pods add to it")),
)
