"""The evidence of a step between the status, where it survives the operator, and the tests, where it is judged."""

from collections.abc import Mapping, Sequence
from typing import Literal

from shipway.analysis.counts import Count
from shipway.analysis.evidence import StepEvidence
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.evidence import Cursor, Evidence, GateStatus
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.kept import Kept, answers, resumed, slow
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
    alpha, kept = _alpha(spec), Kept(candidate, stable)
    gates = tuple(resumed(gate, alpha, kept) for gate in spec.rollout.gates)
    return StepEvidence(gates, answers(candidate), answers(stable))


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


def _role(role: Role, count: Count, evidence: StepEvidence, cursors: Mapping[str, Sequence[Cursor]]) -> Evidence:
    return Evidence(
        role=role,
        requests=count.trials,
        errors=count.hits,
        slow=slow(evidence.gates, candidate=role == "Candidate"),
        cursors=sorted(cursors.get(role, ()), key=lambda cursor: cursor.pod)[:CURSOR_LIMIT],
    )


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
