"""Service level objectives: which share of the answers is to be good, release or not, and how fast the rest is used."""

from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import ApiModel, Decimal, DnsLabel, Rule, Text, Time, decimal_rule, list_map


class Objective(ApiModel):
    """A share of the answers that is to be good over 30 days. What is left of it is the error budget."""

    name: DnsLabel
    """Name of the objective, shown in status and incidents."""
    type: Literal["Availability", "Latency", "Metric"]
    """Availability: answers without status 5xx are good. Latency: those within so many milliseconds.
    Metric: those that came while the mean or ratio of a number that answers bear in a header kept its limit, such as
    the share of missing features or their age."""
    target: Decimal
    """The share that is to be good: 0.999 leaves an error budget of one answer in a thousand."""
    milliseconds: Annotated[int, Field(ge=1, le=600_000)] | None = None
    """Latency only: the longest time that is good; rounded up to a bound of the predictor's buckets, of which the last
    lies at 4.8 seconds in ours."""
    metric: DnsLabel | None = None
    """Metric only: NAME of the header x-shipway-metric-NAME; the objective's name when left out."""
    at_most: Decimal | None = None
    """Metric only: the largest mean or ratio that is good. Exactly one of atMost and atLeast."""
    at_least: Decimal | None = None
    """Metric only: the smallest mean or ratio that is good. Exactly one of atMost and atLeast."""
    incident: Literal["SLOBurn", "StaleFeatures"] = "SLOBurn"
    """Type of the Incident when the budget burns; StaleFeatures for a Metric of features that are old or missing."""

    @property
    def budget(self) -> float:
        """The share of the answers that may be bad."""
        return 1.0 - float(self.target)

    rules = (
        decimal_rule(
            "target",
            "number > 0.0 && number < 1.0",
            "target is the share of good answers, above 0 and below 1, such as 0.999",
        ),
        Rule(
            "(self.type == 'Latency') == has(self.milliseconds)",
            "a Latency objective needs milliseconds, such as milliseconds: 200, and no other type has any",
            "milliseconds",
        ),
        Rule(
            "self.type != 'Metric' || has(self.atMost) != has(self.atLeast)",
            "a Metric objective needs exactly one of atMost and atLeast, such as atMost: '0.05'",
        ),
        Rule(
            "self.type == 'Metric' || !has(self.metric) && !has(self.atMost) && !has(self.atLeast)",
            "metric, atMost and atLeast belong to objectives of type Metric; leave them out, or change the type",
        ),
        Rule(
            "self.type == 'Metric' || !has(self.incident) || self.incident == 'SLOBurn'",
            "only an objective of type Metric can tell of stale features; leave incident out, or change the type",
            "incident",
        ),
    )


class BurnWindow(ApiModel):
    """What was read in one window."""

    minutes: Annotated[int, Field(ge=1, le=1440)]
    """Its length."""
    burn_rate: Decimal
    """How many times as fast as the budget allows answers were bad; at 1 it lasts exactly 30 days."""
    answers: Annotated[int, Field(ge=0)]
    """Answers in it."""
    bad: Annotated[int, Field(ge=0)]
    """Those that were bad."""


class ObjectiveStatus(ApiModel):
    """How one objective does. Nothing of it changes while the objective is met."""

    name: DnsLabel
    """Name of the objective."""
    state: Literal["Met", "Burning", "Unknown"]
    """Burning: the budget is used up so fast that somebody is called. Unknown: too little was read to say."""
    reason: Annotated[str, Field(max_length=64)]
    """Met, BudgetBurning, NotEnoughData or MetricsUnavailable."""
    since: Time | None = None
    """Since when it is in this state."""
    message: Text = ""
    """Why, with the numbers."""
    windows: Annotated[list[BurnWindow], Field(max_length=4), list_map("minutes")] = []
    """The numbers while it burns; written anew every five minutes."""
    measured_at: Time | None = None
    """When these were read."""
    incident: Annotated[str, Field(max_length=253)] = ""
    """The Incident while it burns; empty again when it does not."""
