"""What both versions' answers side by side have told, as the status keeps it over all steps of a release."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from shipway.analysis.detector import Detector
from shipway.analysis.evidence import GateEvidence
from shipway.analysis.gate_types.error_rate import ErrorRate
from shipway.analysis.gate_types.latency import Latency
from shipway.analysis.side_by_side import GAPS
from shipway.api.v1alpha1.evidence import Evidence, SideBySide

G = TypeVar("G", ErrorRate, Latency)


def resumed(gate: G, candidate: Evidence | None) -> G:
    """The gate with what it had been told, unless that was the answer to another question."""
    kept, asked = candidate.side_by_side if candidate else (), _question(gate)
    found = next((seen for seen in kept if seen.gate == gate.name and seen.question == asked), None)
    if found is None or len(found.logs) != len(GAPS):
        return gate
    detector = Detector(tuple(float(log) for log in found.logs), found.answers)
    return replace(gate, comparison=replace(gate.comparison, side_by_side=detector))


def written(gates: Sequence[GateEvidence]) -> list[SideBySide]:
    """What there is to keep of these gates."""
    return [
        _written(gate) for gate in gates if isinstance(gate, ErrorRate | Latency) and gate.comparison.side_by_side.logs
    ]


def _written(gate: ErrorRate | Latency) -> SideBySide:
    detector = gate.comparison.side_by_side
    logs = [f"{log:.6g}" for log in detector.logs]
    return SideBySide(gate=gate.name, question=_question(gate), answers=detector.trials, logs=logs)


def _question(gate: ErrorRate | Latency) -> str:
    margin = gate.comparison.tolerance.margin
    if isinstance(gate, ErrorRate):
        return f"errors, margin {margin:g}"
    return f"slower than p{100 * gate.quantile:g} and {gate.fast_enough:g} s, margin {margin:g}"
