"""What is watched while a version is released: the gates as they are declared, and what a gate may say."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shipway.api.schema import ApiModel, Decimal, DnsLabel, decimal_rule, in_words


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


_OBSERVED = frozenset({"PredictionShift", "Calibration"})
"""Types that decide only where they are told to."""


class Metric(ApiModel):
    """Numbers that the answers of a predictor bear in the header x-shipway-metric-NAME.

    An answer says 0.37, and the gate compares means; or it says 3/20, and the gate compares the ratios of the sums.
    """

    name: DnsLabel | None = None
    """NAME in the header; the gate's name when left out."""
    higher_is_better: bool = True
    """Whether less of it is worse; false for costs, complaints or missing features."""
    largest: Amount = "1"
    """The largest value, or first number of a ratio, that one answer may bear; a larger one is an Error."""
    largest_second: Amount = "1"
    """The largest second number of a ratio that one answer may bear."""


class Gate(ApiModel):
    """A comparison of the new version with stable that must not fail."""

    name: DnsLabel
    """Name of the gate, shown in status and incidents."""
    type: Literal[
        "ErrorRate", "Latency", "SampleRatio", "PredictionShift", "BusinessMetric", "Calibration", "NormalizedEntropy"
    ]
    """ErrorRate: share of answers with status 5xx. Latency: share of answers slower than stable's quantile.
    SampleRatio: whether the versions get the shares of the answers that the route gives them; never Fail, but Error.
    PredictionShift: how far the new version's predictions are distributed from stable's.
    BusinessMetric: a mean or ratio of numbers that the answers bear in a header.
    Calibration: predicted positives for each observed one, by labels that come late; 1 is right.
    NormalizedEntropy: the loss for that of a constant prediction, by labels that come late."""
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
    margin: Decimal = "0.01"
    """How much larger the new version's share may be, as a fraction: 0.01 is one point of percent. SampleRatio: how far
    its share of the answers may lie from its weight. PredictionShift: the largest distance that is allowed.
    BusinessMetric: how much worse the value may be, as a fraction of largest, or of largest by largestSecond.
    Calibration and NormalizedEntropy: how much farther from 1, or how much larger, it may be than stable's."""
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 30
    """Answers of the new version before NoEvidenceOfHarm may be said."""
    pass_on: Literal["NoEvidenceOfHarm", "Proof"] = "NoEvidenceOfHarm"  # noqa: S105
    """What lets a step end: no evidence of harm after minSamples, or proof that the difference is within the margin."""
    on_fail: OnFail | None = None
    """Abort: a gate that fails takes the version back, and one that cannot tell holds the step. Observe: what it says
    is shown in the status and changes nothing. Left out it is Observe for PredictionShift and Calibration, since a
    better version may well predict differently, and Abort for all others."""

    @property
    def mode(self) -> OnFail:
        """What it may do."""
        return self.on_fail or (OnFail.OBSERVE if self.type in _OBSERVED else OnFail.ABORT)

    @property
    def decides(self) -> bool:
        """Whether what it says changes anything."""
        return self.mode is OnFail.ABORT

    @property
    def may_abort(self) -> bool:
        """Whether it may take a version back: only then it spends a part of the release's alpha."""
        return self.decides and self.type != "SampleRatio"

    rules = (
        decimal_rule(
            "margin",
            "number >= 0.0 && number < 1.0",
            "margin is a fraction from 0 up to but not including 1, such as 0.01",
        ),
        decimal_rule(
            "quantile",
            "number > 0.0 && number < 1.0",
            "quantile lies between 0 and 1, such as 0.95",
        ),
    )


class Inconclusive(ApiModel):
    """What happens when a step is over and a gate cannot tell yet."""

    hold_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """How long to wait for more evidence."""
    then: Literal["Abort", "Promote", "Pause"] = "Pause"
    """What to do after that."""
