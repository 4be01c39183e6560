"""The evidence of a step between the status, where it survives the operator, and the tests, where it is judged."""

from collections.abc import Mapping, Sequence
from typing import Literal

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.evidence import GateEvidence, Signal, StepEvidence
from shipway.analysis.gates import Comparison, Tolerance
from shipway.analysis.judgement import Judgement
from shipway.analysis.measure import PROPORTION
from shipway.api.v1alpha1.evidence import Cursor, Evidence, GateStatus, Slow
from shipway.api.v1alpha1.gates import Gate, Verdict
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.situation import Findings
from shipway.integrations import kserve

Role = Literal["Candidate", "Stable"]
CURSOR_LIMIT = 32


def step_token(rollout: RolloutStatus, spec: ServingDeploymentSpec) -> str:
    """Names the step and the gates the evidence belongs to; with another token it begins at what the status holds."""
    bake = "/bake" if rollout.state == "Baking" else ""
    gates = kserve.short_hash(spec.rollout.to_wire(), length=8)
    return f"{rollout.id}/{len(rollout.history)}{bake}/{gates}"


def from_status(spec: ServingDeploymentSpec, rollout: RolloutStatus) -> StepEvidence:
    """The evidence as it was last written down."""
    candidate = next((kept for kept in rollout.evidence if kept.role == "Candidate"), None)
    stable = next((kept for kept in rollout.evidence if kept.role == "Stable"), None)
    alpha = _alpha(spec)
    gates = tuple(_gate(gate, alpha, candidate, stable) for gate in spec.rollout.gates)
    return StepEvidence(gates, _answers(candidate), _answers(stable))


def to_status(evidence: StepEvidence, cursors: Mapping[str, Sequence[Cursor]]) -> list[Evidence]:
    """The evidence to write down."""
    return [
        _role("Candidate", evidence.candidate, evidence, cursors),
        _role("Stable", evidence.stable, evidence, cursors),
    ]


def gate_statuses(findings: Findings) -> list[GateStatus]:
    """What every gate says, for the status."""
    return [_gate_status(name, judgement) for name, judgement in findings.judgements.items()]


def describe(judgement: Judgement) -> str:
    """The counts of a judgement, one version against the other."""
    return f"{judgement.candidate} vs stable {judgement.stable}"


def _alpha(spec: ServingDeploymentSpec) -> float:
    """One release's alpha, split over all its tests: every gate at every weight, and in the bake."""
    tests = max(1, len(spec.rollout.gates)) * (len(steps.stages_of(spec.rollout.steps)) + 1)
    return float(spec.rollout.alpha) / tests


def _gate(gate: Gate, alpha: float, candidate: Evidence | None, stable: Evidence | None) -> GateEvidence:
    tolerance = Tolerance(float(gate.margin), gate.min_samples, alpha)
    signal = Signal(gate.type)
    if signal is Signal.ERROR_RATE:
        comparison = Comparison.resumed(tolerance, PROPORTION, candidate=_answers(candidate), stable=_answers(stable))
        return GateEvidence(gate.name, signal, comparison)
    new, old = _slow(gate, candidate), _slow(gate, stable)
    known = old or new
    return GateEvidence(
        gate.name,
        signal,
        Comparison.resumed(tolerance, PROPORTION, candidate=_slow_count(new), stable=_slow_count(old)),
        float(gate.quantile),
        float(known.threshold) if known else None,
    )


def _answers(evidence: Evidence | None) -> Count:
    return Count(evidence.requests, evidence.errors) if evidence else NOTHING


def _slow(gate: Gate, evidence: Evidence | None) -> Slow | None:
    return next((slow for slow in evidence.slow if slow.gate == gate.name), None) if evidence else None


def _slow_count(slow: Slow | None) -> Count:
    return Count(slow.requests, slow.slow) if slow else NOTHING


def _role(role: Role, answers: Count, evidence: StepEvidence, cursors: Mapping[str, Sequence[Cursor]]) -> Evidence:
    return Evidence(
        role=role,
        requests=answers.trials,
        errors=answers.hits,
        slow=[_slow_of(role, gate) for gate in evidence.gates if gate.threshold is not None],
        cursors=sorted(cursors.get(role, ()), key=lambda cursor: cursor.pod)[:CURSOR_LIMIT],
    )


def _slow_of(role: Role, gate: GateEvidence) -> Slow:
    count = gate.comparison.candidate if role == "Candidate" else gate.comparison.stable
    return Slow(gate=gate.name, threshold=f"{gate.threshold:.6g}", requests=count.trials, slow=count.hits)


def _gate_status(name: str, judgement: Judgement) -> GateStatus:
    known = judgement.verdict is not Verdict.ERROR
    return GateStatus(
        name=name,
        verdict=judgement.verdict,
        samples=judgement.candidate.trials,
        value=describe(judgement) if known else "",
        bound=judgement.bound if known else "",
        message=judgement.message[:256],
    )
