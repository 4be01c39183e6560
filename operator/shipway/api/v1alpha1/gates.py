"""What is watched while a version is released: the gates as they are declared, and what a gate may say."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import ApiModel, Decimal, DnsLabel, Rule, decimal_rule, in_words, list_set

MAX_GATES = 8
MAX_SLICES = 8
MAX_TESTS = MAX_GATES * (1 + MAX_SLICES)
"""A gate is one test of all answers, and one of those of each slice."""
TestName = Annotated[str, Field(min_length=1, max_length=127)]
"""The name of a gate, as in errors; or of what it says of one slice, as in errors/acme."""


def slice_of(test: str) -> str:
    """The slice that a test is about, by its name; empty for all answers."""
    return test.partition("/")[2]


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "Pass"  # noqa: S105
    NO_EVIDENCE_OF_HARM = "NoEvidenceOfHarm"
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"


Amount = Annotated[
    str,
    Field(max_length=16),
    in_words(r"^([1-9][0-9]*(\.[0-9]+)?|0\.[0-9]*[1-9][0-9]*)$", "write a number above 0 in quotes, such as '20'"),
]
"""How large a value may be."""


class OnFail(StrEnum):
    """What a gate may do."""

    ABORT = "Abort"
    OBSERVE = "Observe"


_OBSERVED = frozenset({"PredictionShift", "Calibration", "AnswerDiff"})
"""Types that decide only where they are told to."""
_ASKED = frozenset({"PromQL", "Webhook", "Evaluation"})
"""Types that ask somebody, or look something up, and count no answers of the versions."""

Query = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    in_words(
        r"^(\{?([^{]|\{\{(namespace|service|stableService|version|stableVersion)\}\}))*$",
        "in double braces write only namespace, service, stableService, version or stableVersion",
    ),
]
"""PromQL with placeholders in double braces."""


class Metric(ApiModel):
    """Numbers that answers bear in the header x-shipway-metric-NAME, or in the body's parameter shipway-metric-NAME.

    An answer says 0.37, and the gate compares means; or it says 3/20, and the gate compares the ratios of the sums.
    """

    name: DnsLabel | None = None
    """NAME in the header or the parameter; the gate's name when left out."""
    higher_is_better: bool = True
    """Whether less of it is worse; false for costs, complaints or missing features."""
    largest: Amount = "1"
    """The largest value, or first number of a ratio, that one answer may bear; a larger one is an Error."""
    largest_second: Amount = "1"
    """The largest second number of a ratio that one answer may bear."""


class WebhookService(ApiModel):
    """A Service of the same namespace, by its cluster IP."""

    name: DnsLabel
    """Name of the Service."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 80
    """Port of the Service."""
    path: Annotated[
        str,
        Field(max_length=256),
        in_words(
            r"^/[A-Za-z0-9._~/-]*$",
            "write a path of letters, digits, dots and dashes that begins with a slash",
        ),
    ] = "/"
    """Path of the POST."""


class OfflineEvaluation(ApiModel):
    """Which of the numbers in spec.evaluation of a ModelVersion; they are bound to its artifact by the digest."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the number, such as auc."""
    dataset: Annotated[str, Field(max_length=128)] = ""
    """What it was measured on."""
    slice: Annotated[str, Field(max_length=128)] = ""
    """Which part of that; empty for all."""
    higher_is_better: bool = True
    """Whether less of it is worse; false for losses and errors."""


class Gate(ApiModel):
    """A comparison of the new version with stable, or a question about it, that must not fail."""

    name: DnsLabel
    """Name of the gate, shown in status and incidents."""
    type: Literal[
        "ErrorRate",
        "Latency",
        "SampleRatio",
        "PredictionShift",
        "BusinessMetric",
        "Calibration",
        "NormalizedEntropy",
        "PromQL",
        "Webhook",
        "Evaluation",
        "AnswerDiff",
    ]
    """ErrorRate: share of answers with status 5xx. Latency: share of answers slower than stable's quantile.
    SampleRatio: whether the versions get the shares of the answers that the route gives them; never Fail, but Error.
    PredictionShift: how far the new version's predictions are distributed from stable's.
    BusinessMetric: a mean or ratio of numbers that the answers bear in a header or in their body.
    Calibration: predicted positives for each observed one, by labels that come late; 1 is right.
    NormalizedEntropy: the loss for that of a constant prediction, by labels that come late.
    PromQL: a limit for a number that Prometheus tells; a threshold, and no test of alpha.
    Webhook: what a Service of the namespace says.
    Evaluation: how good both versions were when they were published, asked before the new one gets any traffic.
    AnswerDiff: the share of requests that both versions answer differently, while the new one is mirrored."""
    quantile: Annotated[Decimal, Field()] = "0.95"
    """Latency only: the quantile of stable's latency that counts as slow."""
    fast_enough_milliseconds: Annotated[int, Field(ge=0, le=60_000)] = 10
    """Latency only: an answer within so many milliseconds is never slow, however fast stable is. It is rounded up to a
    bound of the predictor's buckets; 0 leaves it to stable alone."""
    distance: Literal["KolmogorovSmirnov", "PSI", "JensenShannon"] = "KolmogorovSmirnov"
    """PredictionShift only: how the two distributions are compared; margin is in its units."""
    metric: Metric | None = None
    """BusinessMetric only: which metric. Left out it has the gate's name, values up to 1, and less of it is worse."""
    window_seconds: Annotated[int, Field(ge=1, le=3600)] = 600
    """Calibration and NormalizedEntropy only: how long after a prediction its label is final; steps last longer."""
    query: Query | None = None
    """PromQL only: a query that gives one number. In double braces it may have namespace, service and stableService
    (the InferenceServices of both versions), version and stableVersion."""
    limit: Decimal | None = None
    """PromQL and Evaluation only: the last number that is good. An Evaluation with a limit can do without a number of
    stable's."""
    worse: Literal["Above", "Below"] = "Above"
    """PromQL only: on which side of the limit a number is bad."""
    failures: Annotated[int, Field(ge=1, le=100)] = 2
    """PromQL only: so many bad measurements in a row are a Fail."""
    measurements: Annotated[int, Field(ge=1, le=100)] = 3
    """PromQL only: good measurements in a step before NoEvidenceOfHarm may be said."""
    service: WebhookService | None = None
    """Webhook only: whom to ask."""
    evaluation: OfflineEvaluation | None = None
    """Evaluation only: which number of the ModelVersions is compared."""
    tolerance: Decimal | None = None
    """AnswerDiff only: two answers are the same where no prediction differs by more than this; 0.000001 when left out,
    which is what is left of a number on its way here."""
    interval_seconds: Annotated[int, Field(ge=5, le=3600)] = 10
    """PromQL and Webhook only: time between two questions, and from the begin of a step to the first."""
    margin: Decimal = "0.01"
    """How much larger the new version's share may be, as a fraction: 0.01 is one point of percent. SampleRatio: how far
    its share of the answers may lie from its weight. PredictionShift: the largest distance that is allowed.
    BusinessMetric: how much worse the value may be, as a fraction of largest, or of largest by largestSecond.
    Calibration and NormalizedEntropy: how much farther from 1, or how much larger, it may be than stable's.
    Evaluation: how much worse than stable's the number may be, in its own unit. AnswerDiff: the share of the answers
    that may differ."""
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 30
    """Answers of the new version before NoEvidenceOfHarm may be said."""
    pass_on: Literal["NoEvidenceOfHarm", "Proof"] = "NoEvidenceOfHarm"  # noqa: S105
    """What lets a step end: no evidence of harm after minSamples, or proof that the difference is within the margin."""
    slices: Annotated[list[DnsLabel], Field(max_length=MAX_SLICES), list_set()] = []
    """ErrorRate and Latency only: parts of the traffic, such as tenants or countries, by the names that requests bear
    in the header x-shipway-slice. For each of these the gate judges the answers to requests of this slice on their own,
    beside all together. One with fewer than minSamples answers holds up nothing unless it looks bad, and passOn: Proof
    is asked of all answers together only."""
    on_fail: OnFail | None = None
    """Abort: a gate that fails takes the version back, and one that cannot tell holds the step. Observe: what it says
    is shown in the status and changes nothing. Left out it is Observe for PredictionShift, Calibration and AnswerDiff,
    since a better version may well predict differently, and Abort for all others."""

    @property
    def tests(self) -> "tuple[Gate, ...]":
        """The gate itself, and one like it for each slice, which judges that alone."""
        return (self, *map(self._on, self.slices))

    @property
    def slice(self) -> str:
        """The slice whose answers it judges; empty for all answers."""
        return slice_of(self.name)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"{self.name.removesuffix(f'/{self.slice}')} of slice {self.slice}" if self.slice else self.name

    @property
    def mode(self) -> OnFail:
        """What it may do."""
        return self.on_fail or (OnFail.OBSERVE if self.type in _OBSERVED else OnFail.ABORT)

    @property
    def decides(self) -> bool:
        """Whether what it says changes anything."""
        return self.mode is OnFail.ABORT

    @property
    def counts(self) -> bool:
        """Whether it rests on the predictors' counters."""
        return self.type not in _ASKED

    @property
    def may_abort(self) -> bool:
        """Whether it may take a version back."""
        return self.decides and self.type != "SampleRatio"

    @property
    def spends_alpha(self) -> bool:
        """Whether it needs a part of the release's alpha: a threshold is no test, nor is a stranger's word."""
        return self.may_abort and self.counts

    rules = (
        decimal_rule(
            "margin",
            "number >= 0.0 && number < 1.0",
            "margin is a fraction from 0 up to but not including 1, such as 0.01",
        ),
        decimal_rule(
            "tolerance",
            "number >= 0.0",
            "tolerance is a difference of two predictions, 0 or more, such as 0.001",
            optional=True,
        ),
        decimal_rule(
            "quantile",
            "number > 0.0 && number < 1.0",
            "quantile lies between 0 and 1, such as 0.95",
        ),
        Rule(
            "self.type != 'PromQL' || has(self.query) && has(self.limit)",
            "a PromQL gate needs a query and a limit, such as limit: '0.05'",
        ),
        Rule(
            "self.type != 'PromQL' || !has(self.passOn) || self.passOn != 'Proof'",
            "a limit proves nothing; leave passOn out or write NoEvidenceOfHarm",
            "passOn",
        ),
        Rule(
            "!has(self.slices) || size(self.slices) == 0 || self.type == 'ErrorRate' || self.type == 'Latency'",
            "only ErrorRate and Latency gates judge slices; take slices out of this gate",
            "slices",
        ),
        Rule(
            "self.type != 'Webhook' || has(self.service)",
            "a Webhook gate needs a service of this namespace, such as service: {name: approvals, port: 8080}",
        ),
        Rule(
            "self.type != 'Evaluation' || has(self.evaluation)",
            "an Evaluation gate needs an evaluation, such as evaluation: {name: auc, dataset: holdout}",
        ),
    )

    def _on(self, slice_: str) -> "Gate":
        # No name of a gate has a slash, so this one is nobody else's. Of a rare slice nothing can be proven in time.
        return self.model_copy(update={"name": f"{self.name}/{slice_}", "slices": [], "pass_on": "NoEvidenceOfHarm"})


class Inconclusive(ApiModel):
    """What happens when a step is over and a gate cannot tell yet."""

    hold_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """How long to wait for more evidence."""
    then: Literal["Abort", "Promote", "Pause"] = "Pause"
    """What to do after that."""
