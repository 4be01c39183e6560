"""Team: who answers for which namespaces. Cluster-wide, so that no tenant can claim what is another's."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shipway.api.schema import (
    ApiModel,
    Column,
    DnsLabel,
    Email,
    Kind,
    ShortText,
    Status,
    list_map,
    name_at_most,
)


class Reason(StrEnum):
    """Why a condition of a Team is what it is."""

    RESOLVED = "Resolved"
    NAMESPACE_MISSING = "NamespaceMissing"
    NAMESPACE_CLAIMED = "NamespaceClaimed"


class Owner(ApiModel):
    """One person or group that answers for the team."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """The person or group, as people know it."""
    email: Email | None = None
    """Where to write."""


class TeamSpec(ApiModel):
    """A team: its owners, whom to page, and the namespaces that are its own."""

    owners: Annotated[list[Owner], Field(min_length=1, max_length=16), list_map("name")]
    """Who answers for it."""
    on_call: ShortText = ""
    """Whom to page: a rotation, channel or person; a Model may name another."""
    namespaces: Annotated[list[DnsLabel], Field(max_length=64)] = []
    """The namespaces that are its own; each belongs to one team at most."""


class TeamStatus(Status):
    """Whether the namespaces are there, and the team's alone."""

    namespaces: Annotated[int, Field(ge=0)] = 0
    """How many of its namespaces exist and belong to no other team."""


KIND = Kind(
    kind="Team",
    plural="teams",
    spec=TeamSpec,
    status=TeamStatus,
    short_names=("tm",),
    namespaced=False,
    columns=(
        Column("Owner", ".spec.owners[0].name"),
        Column("On-Call", ".spec.onCall"),
        Column("Namespaces", ".status.namespaces", "integer"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
        Column("Message", ".status.conditions[?(@.type=='Ready')].message", priority=1),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    rules=(name_at_most(63, "incidents and metrics are labelled with it"),),
)
