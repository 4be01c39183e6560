"""Sample ratio mismatch: whether the versions get the shares of the traffic that the route gives them.

Where they do not, answers are lost or misled on the way, and those that are left cannot be compared: an error, and no
verdict on the version. Each share has a confidence sequence of its own, and all may be looked at all the time (Lindon
and Malek 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipway.analysis.confidence import Interval, interval
from shipway.analysis.counts import Count
from shipway.api.v1alpha1.gates import Verdict


@dataclass(frozen=True)
class Allotment:
    """What is expected of the traffic.

    Attributes:
        weights: How much each version is meant to get, against the others.
        slack: How far a share may be off, as a fraction, before the comparison suffers.
        min_samples: Answers of all versions before the shares may be called right.
        alpha: Probability of ever finding a mismatch where there is none.
    """

    weights: Mapping[str, int]
    slack: float
    min_samples: int
    alpha: float


@dataclass(frozen=True)
class Finding:
    """A verdict on the shares, never Fail."""

    verdict: Verdict
    message: str


def judge_shares(answers: Mapping[str, int], allotment: Allotment) -> Finding:
    """Whether the answers, all since the weights were last changed, are shared out as meant.

    Raises:
        ValueError: A version has answers but no weight, or no weight is above 0.
    """
    weights = allotment.weights
    whole = sum(weights.values())
    if whole <= 0 or not answers.keys() <= weights.keys():
        raise ValueError(f"every version needs a weight, and one must be above 0; got {dict(weights)}")
    total = sum(answers.values())
    shares = [
        _Share(name, weight / whole, interval(Count(total, answers.get(name, 0)), allotment.alpha / len(weights)))
        for name, weight in weights.items()
    ]
    return _finding(total, shares, allotment)


@dataclass(frozen=True)
class _Share:
    name: str
    meant: float
    seen: Interval

    @property
    def nearest(self) -> float:
        """How far off it is at least."""
        return max(self.seen.lower - self.meant, self.meant - self.seen.upper)

    @property
    def farthest(self) -> float:
        """How far off it is at most."""
        return max(self.seen.upper - self.meant, self.meant - self.seen.lower)

    def __str__(self) -> str:
        return f"{self.name} gets {self.seen.lower:.2%} to {self.seen.upper:.2%} of the answers, not {self.meant:.2%}"


def _finding(total: int, shares: Sequence[_Share], allotment: Allotment) -> Finding:
    off = max(shares, key=lambda share: share.nearest)
    if off.nearest > allotment.slack:
        return Finding(Verdict.ERROR, f"{off}: the versions cannot be compared")
    if all(share.farthest <= allotment.slack for share in shares):
        return Finding(Verdict.PASS, f"every version's share is within {allotment.slack:.2%} of its weight")
    if total < allotment.min_samples:
        return Finding(Verdict.INCONCLUSIVE, f"{total} of {allotment.min_samples} answers seen to compare their shares")
    return Finding(Verdict.NO_EVIDENCE_OF_HARM, f"no mismatch in {total} answers")
