"""Sums of gates on means, ratios and labels as the status keeps them, and the gates that go on from there."""

from dataclasses import dataclass, replace

from shipway.analysis.evidence import GateEvidence
from shipway.analysis.gate_types.business_metric import BusinessMetric
from shipway.analysis.gate_types.label_quality import LabelQuality
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.quality import Calibration, NormalizedEntropy
from shipway.analysis.ratio import NO_SUMS, Ratio, RatioMeasure
from shipway.api.conditions import rfc3339, seconds
from shipway.api.v1alpha1.evidence import Evidence, Sums
from shipway.api.v1alpha1.gates import Gate, Metric

CALIBRATION = "calibration"
NORMALIZED_ENTROPY = "normalized-entropy"
COHORT_SECONDS = 60
"""How long a cohort of predictions may last: one that ends sooner after the step began is not wholly of the step."""


@dataclass(frozen=True)
class Kept:
    """What the status holds of a step.

    Attributes:
        candidate: Of the new version; None where nothing was counted yet.
        stable: Of stable; None where nothing was counted yet.
        weight: The new version's percent of the traffic in this step.
        began: When the step began, in Unix seconds.
    """

    candidate: Evidence | None
    stable: Evidence | None
    weight: int
    began: float


def business_metric(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    """The gate with the sums that were kept, unless they are of another metric."""
    metric = gate.metric or Metric()
    name = metric.name or gate.name
    largest, second = float(metric.largest), float(metric.largest_second)
    measure = RatioMeasure(largest, second, falling=metric.higher_is_better)
    in_units = replace(tolerance, margin=tolerance.margin * largest / second)
    new, old = _ratios(gate, name, kept)
    return BusinessMetric(gate.name, name, Comparison.resumed(in_units, measure, candidate=new, stable=old))


def calibration(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    """The gate with the sums that were kept."""
    new, old = _ratios(gate, CALIBRATION, kept)
    quality = Calibration.resumed(tolerance, candidate=new, stable=old)
    return LabelQuality(gate.name, quality, gate.window_seconds, _until(gate, CALIBRATION, kept))


def normalized_entropy(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    """The gate with the sums that were kept and the rate they were counted by."""
    new, old = _ratios(gate, NORMALIZED_ENTROPY, kept)
    found = _found(gate, NORMALIZED_ENTROPY, kept.stable)
    quality = NormalizedEntropy(tolerance)
    if found is not None and found.rate is not None:
        quality = NormalizedEntropy.resumed(tolerance, float(found.rate), candidate=new, stable=old)
    return LabelQuality(gate.name, quality, gate.window_seconds, _until(gate, NORMALIZED_ENTROPY, kept))


def sums(gates: tuple[GateEvidence, ...], *, candidate: bool) -> list[Sums]:
    """What the gates on means, ratios and labels summed up of one version."""
    return [kept for gate in gates if (kept := _sums_of(gate, candidate=candidate)) is not None]


def _sums_of(gate: GateEvidence, *, candidate: bool) -> Sums | None:
    if isinstance(gate, BusinessMetric):
        return _written(gate.name, gate.metric, _side(gate.comparison, candidate=candidate))
    if not isinstance(gate, LabelQuality):
        return None
    until, quality = rfc3339(gate.until), gate.quality
    if isinstance(quality, Calibration):
        return _written(gate.name, CALIBRATION, _side(quality.over, candidate=candidate), until=until)
    if quality.comparison is None:
        return None
    seen = _side(quality.comparison, candidate=candidate)
    return _written(gate.name, NORMALIZED_ENTROPY, seen, until=until, rate=quality.rate)


def _side(comparison: Comparison[Ratio], *, candidate: bool) -> Ratio:
    return comparison.candidate if candidate else comparison.stable


def _written(gate: str, metric: str, seen: Ratio, *, until: str | None = None, rate: float | None = None) -> Sums:
    return Sums(
        gate=gate,
        metric=metric,
        until=until,
        rate=None if rate is None else repr(rate),
        answers=seen.trials,
        top=repr(float(seen.top)),
        bottom=repr(float(seen.bottom)),
        top_squares=repr(float(seen.top_squares)),
        products=repr(float(seen.products)),
        bottom_squares=repr(float(seen.bottom_squares)),
    )


def _ratios(gate: Gate, metric: str, kept: Kept) -> tuple[Ratio, Ratio]:
    return _ratio(_found(gate, metric, kept.candidate)), _ratio(_found(gate, metric, kept.stable))


def _found(gate: Gate, metric: str, evidence: Evidence | None) -> Sums | None:
    found = evidence.sums if evidence else ()
    return next((sums for sums in found if (sums.gate, sums.metric) == (gate.name, metric)), None)


def _ratio(found: Sums | None) -> Ratio:
    if found is None:
        return NO_SUMS
    totals = (found.top, found.bottom, found.top_squares, found.products, found.bottom_squares)
    return Ratio(found.answers, *map(float, totals))


def _until(gate: Gate, metric: str, kept: Kept) -> float:
    """Where to go on: with the first cohort that is wholly of this step, or behind those that are counted."""
    first = kept.began + COHORT_SECONDS - 1
    found = _found(gate, metric, kept.stable)
    return max(first, seconds(found.until)) if found and found.until else first
