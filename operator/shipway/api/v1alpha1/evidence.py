"""What a release has seen, as it is kept in the status: it survives the operator, and is bounded."""

from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import ApiModel, Decimal, DnsLabel, DnsName, ShortText, Time, list_map
from shipway.api.v1alpha1.gates import MAX_TESTS, OnFail, TestName, Verdict


class GateStatus(ApiModel):
    """What a gate says now."""

    name: TestName
    """The gate; behind a slash the slice, where it is about one."""
    verdict: Verdict
    """Pass, NoEvidenceOfHarm, Fail, Inconclusive or Error."""
    samples: Annotated[int, Field(ge=0)] = 0
    """Answers of the new version in this step; for PromQL and Webhook gates, answers to their question."""
    value: ShortText = ""
    """The new version's share against stable's, or the number that Prometheus told."""
    bound: ShortText = ""
    """The interval it was judged by."""
    message: ShortText = ""
    """In words."""
    on_fail: OnFail = OnFail.ABORT
    """Observe: what it says changes nothing."""


class Slow(ApiModel):
    """What a Latency gate counted of one version in the current step."""

    gate: TestName
    """The gate; behind a slash the slice, where it is about one."""
    threshold: Decimal
    """An answer that took more than this many seconds is slow; from stable's quantile."""
    requests: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Answers counted since the threshold is known."""
    slow: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Of them slower than that."""


class SliceAnswers(ApiModel):
    """What an ErrorRate gate counted of one version's answers to requests of one slice in the current step."""

    gate: TestName
    """The gate, and behind a slash the slice."""
    requests: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Answers counted in this step."""
    errors: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Of them with status 5xx."""


class Predictions(ApiModel):
    """What a PredictionShift gate counted of one version in the current step."""

    gate: DnsLabel
    """The gate."""
    ends: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(max_length=63)] = []
    """How the predictor's bins are put together to groups, by stable's first predictions: each but the last ends before
    this bin."""
    counts: Annotated[
        list[Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]], Field(max_length=64)
    ] = []
    """Predictions in each group."""


class Pairs(ApiModel):
    """What an AnswerDiff gate counted in the current step."""

    gate: DnsLabel
    """The gate."""
    answered: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Requests that both versions answered."""
    differently: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Of them those that were answered differently."""


class Sums(ApiModel):
    """What a gate on means and ratios, or on labels, summed up of one version in the current step."""

    gate: DnsLabel
    """The gate."""
    metric: DnsLabel
    """The metric; calibration or normalized-entropy for gates on labels."""
    until: Time | None = None
    """Labels of predictions up to then are counted."""
    rate: Decimal | None = None
    """Normalized entropy only: stable's rate of positives, by which it was counted."""
    answers: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Answers that bear the metric, or labels."""
    top: Decimal = "0"
    """Sum of the values, or of the first numbers of ratios, or predicted positives, or losses."""
    bottom: Decimal = "0"
    """Sum of the second numbers, or observed positives, or losses of a constant; for plain values, how many."""
    top_squares: Decimal = "0"
    """Sum of the squares of the first."""
    products: Decimal = "0"
    """Sum of the first times the second."""
    bottom_squares: Decimal = "0"
    """Sum of the squares of the second."""


class SideBySide(ApiModel):
    """What both versions' answers side by side have told since the release began, over all its steps."""

    gate: TestName
    """The gate; behind a slash the slice, where it is about one."""
    question: ShortText
    """What the gate asked, with its margin: of another question this is evidence of nothing."""
    answers: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Answers of the new version that were compared."""
    logs: Annotated[list[Decimal], Field(max_length=16)] = []
    """Natural logarithms of the evidence, one for each difference that is looked for."""


class Cursor(ApiModel):
    """How far a predictor's counters have been read: what it counts while the operator is down is not lost."""

    pod: DnsName
    """The pod."""
    started_at: Time
    """When its counters began."""
    requests: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Its answers up to here."""
    errors: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Of them with status 5xx."""


class Evidence(ApiModel):
    """Counters of one version in the current step."""

    role: Literal["Candidate", "Stable"]
    """Whose."""
    requests: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Answers counted in this step."""
    errors: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Of them with status 5xx."""
    routed: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})] = 0
    """Of them while the route was known to share the traffic out between both versions; for SampleRatio gates."""
    slow: Annotated[list[Slow], Field(max_length=MAX_TESTS), list_map("gate")] = []
    """Slow answers, by gate."""
    slices: Annotated[list[SliceAnswers], Field(max_length=MAX_TESTS), list_map("gate")] = []
    """Answers to requests of slices, by gate."""
    predictions: Annotated[list[Predictions], Field(max_length=8), list_map("gate")] = []
    """Predictions, by gate."""
    pairs: Annotated[list[Pairs], Field(max_length=8), list_map("gate")] = []
    """Of the new version: requests that stable answered as well, by gate."""
    sums: Annotated[list[Sums], Field(max_length=8), list_map("gate")] = []
    """Sums of gates on means, ratios and labels, by gate."""
    side_by_side: Annotated[list[SideBySide], Field(max_length=MAX_TESTS), list_map("gate")] = []
    """Evidence of the whole release, by gate; the new version's only."""
    cursors: Annotated[list[Cursor], Field(max_length=32), list_map("pod")] = []
    """How far each pod's counters have been read; while the rollout is under way."""
