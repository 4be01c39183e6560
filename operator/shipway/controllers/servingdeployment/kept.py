"""One gate's evidence as the status keeps it, and the gate that goes on from there."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from shipway.analysis.bins import Bins, Groups
from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.detector import Detector
from shipway.analysis.distances import Distance
from shipway.analysis.evidence import GateEvidence
from shipway.analysis.gate_types.answer_diff import AnswerDiff
from shipway.analysis.gate_types.error_rate import ErrorRate
from shipway.analysis.gate_types.latency import Latency
from shipway.analysis.gate_types.prediction_shift import PredictionShift
from shipway.analysis.gate_types.sample_ratio import SampleRatio
from shipway.analysis.gate_types.slice import OfSlice
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.measure import PROPORTION
from shipway.analysis.shift import Shift
from shipway.api.v1alpha1.evidence import Evidence, Pairs, Predictions, SliceAnswers, Slow
from shipway.api.v1alpha1.gates import Gate, slice_of
from shipway.controllers.servingdeployment import kept_side_by_side, kept_sums
from shipway.controllers.servingdeployment.kept_sums import Kept

E = TypeVar("E", Pairs, Predictions, SliceAnswers, Slow)
_SAME = 1e-6
"""Predictors tell predictions with six digits."""
_ROUNDING = 1e-5
"""A threshold is kept with six digits."""


def resumed(gate: Gate, kept: Kept, *, alpha: float, step: float) -> GateEvidence:
    """The gate with the evidence that was kept.

    Args:
        gate: As it is declared.
        kept: What the status holds.
        alpha: Its part of the release's alpha.
        step: What part of that may be spent in this step.
    """
    least = 0 if gate.slice else gate.min_samples
    test = _RESUMED[gate.type](gate, Tolerance(float(gate.margin), least, alpha, step=step), kept)
    return OfSlice(test, gate.slice, gate.min_samples) if gate.slice else test


def answers(evidence: Evidence | None) -> Count:
    """All answers of a version, and those with status 5xx."""
    return Count(evidence.requests, evidence.errors) if evidence else NOTHING


def tests(gates: Iterable[GateEvidence]) -> tuple[GateEvidence, ...]:
    """The tests of all gates, those on slices as well, by whose names their evidence is kept."""
    return tuple(gate.test if isinstance(gate, OfSlice) else gate for gate in gates)


def slow(gates: tuple[GateEvidence, ...], *, candidate: bool) -> list[Slow]:
    """What the Latency gates counted of one version."""
    return [_slow_of(gate, candidate=candidate) for gate in gates if isinstance(gate, Latency) and gate.threshold]


def slices(gates: tuple[GateEvidence, ...], *, candidate: bool) -> list[SliceAnswers]:
    """What the ErrorRate gates counted of one version's answers to requests of their slices."""
    found = [gate for gate in gates if isinstance(gate, ErrorRate) and slice_of(gate.name)]
    sides = [(gate.name, gate.comparison.candidate if candidate else gate.comparison.stable) for gate in found]
    return [SliceAnswers(gate=name, requests=count.trials, errors=count.hits) for name, count in sides]


def routed(gates: tuple[GateEvidence, ...], *, candidate: bool) -> int:
    """What the SampleRatio gates, which all count the same, counted of one version."""
    found = next((gate for gate in gates if isinstance(gate, SampleRatio)), None)
    if found is None:
        return 0
    return found.candidate if candidate else found.stable


def predictions(gates: tuple[GateEvidence, ...], *, candidate: bool) -> list[Predictions]:
    """What the PredictionShift gates counted of one version."""
    counted = [(gate.name, gate.shift.grouped) for gate in gates if isinstance(gate, PredictionShift)]
    return [
        Predictions(
            gate=name,
            ends=list(seen.groups.ends),
            counts=list((seen.candidate if candidate else seen.stable).counts),
        )
        for name, seen in counted
        if seen is not None
    ]


def pairs(gates: tuple[GateEvidence, ...]) -> list[Pairs]:
    """What the AnswerDiff gates counted."""
    found = [(gate.name, gate.pairs) for gate in gates if isinstance(gate, AnswerDiff)]
    return [Pairs(gate=name, answered=count.trials, differently=count.hits) for name, count in found]


def _answer_diff(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    """In the step with the mirror alone, so that all of the gate's alpha may be spent in it."""
    found = _of(gate, kept.candidate.pairs if kept.candidate else ())
    count = Count(found.answered, found.differently) if found else NOTHING
    began = Detector(trials=count.trials)
    allowed = replace(tolerance, step=1.0)
    return AnswerDiff(gate.name, allowed, float(gate.tolerance or _SAME), pairs=count, detector=began)


def _error_rate(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    new, old = (_answers(gate, evidence) for evidence in (kept.candidate, kept.stable))
    counts = Comparison.resumed(tolerance, PROPORTION, candidate=new, stable=old)
    return kept_side_by_side.resumed(ErrorRate(gate.name, counts), kept.candidate)


def _latency(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    new, old = _slow(gate, kept.candidate), _slow(gate, kept.stable)
    known = old or new
    counted = Latency(
        gate.name,
        Comparison.resumed(tolerance, PROPORTION, candidate=_slow_count(new), stable=_slow_count(old)),
        quantile=float(gate.quantile),
        fast_enough=gate.fast_enough_milliseconds / 1000,
        threshold=float(known.threshold) if known else None,
    )
    return kept_side_by_side.resumed(counted, kept.candidate)


def _sample_ratio(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    new, old = (evidence.routed if evidence else 0 for evidence in (kept.candidate, kept.stable))
    return SampleRatio(gate.name, tolerance, kept.weight if new or old else None, new, old)


def _prediction_shift(gate: Gate, tolerance: Tolerance, kept: Kept) -> GateEvidence:
    distance, compared = Distance(gate.distance), kept.weight < 100
    new, old = (_of(gate, evidence.predictions if evidence else ()) for evidence in (kept.candidate, kept.stable))
    if new is None or old is None or not len(new.counts) == len(old.counts) == len(old.ends) + 1:
        return PredictionShift(gate.name, Shift(tolerance, distance), compared)
    candidate, stable = Bins(tuple(new.counts)), Bins(tuple(old.counts))
    shift = Shift.resumed(tolerance, distance, Groups(tuple(old.ends)), candidate=candidate, stable=stable)
    return PredictionShift(gate.name, shift, compared)


_RESUMED: dict[str, Callable[[Gate, Tolerance, Kept], GateEvidence]] = {
    "ErrorRate": _error_rate,
    "Latency": _latency,
    "SampleRatio": _sample_ratio,
    "PredictionShift": _prediction_shift,
    "BusinessMetric": kept_sums.business_metric,
    "Calibration": kept_sums.calibration,
    "NormalizedEntropy": kept_sums.normalized_entropy,
    "AnswerDiff": _answer_diff,
}


def _answers(gate: Gate, evidence: Evidence | None) -> Count:
    """Those that the gate judges: all, or those to requests of its slice."""
    if not gate.slice or evidence is None:
        return answers(evidence)
    found = _of(gate, evidence.slices)
    return Count(found.requests, found.errors) if found else NOTHING


def _slow(gate: Gate, evidence: Evidence | None) -> Slow | None:
    """None too where it was counted by a threshold that the gate, edited since, calls fast enough."""
    found = _of(gate, evidence.slow if evidence else ())
    least = gate.fast_enough_milliseconds / 1000 * (1 - _ROUNDING)
    return found if found and float(found.threshold) >= least else None


def _slow_count(slow: Slow | None) -> Count:
    return Count(slow.requests, slow.slow) if slow else NOTHING


def _of(gate: Gate, entries: Iterable[E]) -> E | None:
    """What was kept of this gate."""
    return next((entry for entry in entries if entry.gate == gate.name), None)


def _slow_of(gate: Latency, *, candidate: bool) -> Slow:
    count = gate.comparison.candidate if candidate else gate.comparison.stable
    return Slow(gate=gate.name, threshold=f"{gate.threshold:.6g}", requests=count.trials, slow=count.hits)
