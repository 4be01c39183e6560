"""The evidence of a step between the status, where it survives the operator, and the tests, where it is judged."""

from collections.abc import Mapping, Sequence
from typing import Literal

from shipway.analysis.counts import Count
from shipway.analysis.evidence import StepEvidence
from shipway.analysis.judgement import Judgement
from shipway.api.conditions import seconds
from shipway.api.v1alpha1.evidence import Cursor, Evidence, GateStatus
from shipway.api.v1alpha1.gates import Gate, Verdict
from shipway.api.v1alpha1.servingdeployment import RolloutStatus, ServingDeploymentSpec
from shipway.controllers.servingdeployment import alpha, kept_side_by_side
from shipway.controllers.servingdeployment.kept import (
    answers,
    pairs,
    predictions,
    resumed,
    routed,
    slices,
    slow,
    tests,
)
from shipway.controllers.servingdeployment.kept_sums import Kept, sums
from shipway.controllers.servingdeployment.situation import Findings
from shipway.integrations import kserve

Role = Literal["Candidate", "Stable"]
CURSOR_LIMIT = 32


def step_token(rollout: RolloutStatus, spec: ServingDeploymentSpec) -> str:
    """Names the step and the gates the evidence belongs to; with another token it begins at what the status holds.

    What comes before the first step belongs to it, unless it is the one that leaves stable without traffic.
    """
    bake = "/bake" if rollout.state == "Baking" else ""
    gates = kserve.short_hash(spec.rollout.to_wire(), length=8)
    number = len(rollout.history)
    if number == 1 and rollout.history[0].weight < 100:
        number = 0
    return f"{rollout.id}/{number}{bake}/{gates}"


def from_status(spec: ServingDeploymentSpec, rollout: RolloutStatus) -> StepEvidence:
    """The evidence as it was last written down."""
    candidate = next((kept for kept in rollout.evidence if kept.role == "Candidate"), None)
    stable = next((kept for kept in rollout.evidence if kept.role == "Stable"), None)
    began = seconds(rollout.step_started_at or rollout.started_at)
    kept = Kept(candidate, stable, rollout.weights.desired, began)
    load = 100 if rollout.mirror else rollout.weights.desired
    parts, step = alpha.of_gates(spec.rollout), alpha.part_of_step(spec.rollout, load=load)
    gates = tuple(resumed(gate, kept, alpha=parts[gate.name], step=step) for gate in spec.rollout.tests if gate.counts)
    return StepEvidence(gates, answers(candidate), answers(stable))


def to_status(evidence: StepEvidence, cursors: Mapping[str, Sequence[Cursor]]) -> list[Evidence]:
    """The evidence to write down."""
    return [
        _role("Candidate", evidence.candidate, evidence, cursors),
        _role("Stable", evidence.stable, evidence, cursors),
    ]


def gate_statuses(gates: Sequence[Gate], findings: Findings) -> list[GateStatus]:
    """What every gate says, for the status."""
    found = findings.judgements
    return [_gate_status(gate, found[gate.name]) for gate in gates if gate.name in found]


def describe(judgement: Judgement) -> str:
    """The counts of a judgement, one version against the other; or what was told of the new one."""
    return (
        str(judgement.candidate) if judgement.stable is None else f"{judgement.candidate} vs stable {judgement.stable}"
    )


def _role(role: Role, count: Count, evidence: StepEvidence, cursors: Mapping[str, Sequence[Cursor]]) -> Evidence:
    gates, candidate = tests(evidence.gates), role == "Candidate"
    return Evidence(
        role=role,
        requests=count.trials,
        errors=count.hits,
        routed=routed(gates, candidate=candidate),
        slow=slow(gates, candidate=candidate),
        slices=slices(gates, candidate=candidate),
        predictions=predictions(gates, candidate=candidate),
        pairs=pairs(gates) if candidate else [],
        sums=sums(gates, candidate=candidate),
        side_by_side=kept_side_by_side.written(gates) if candidate else [],
        cursors=sorted(cursors.get(role, ()), key=lambda cursor: cursor.pod)[:CURSOR_LIMIT],
    )


def _gate_status(gate: Gate, judgement: Judgement) -> GateStatus:
    known = judgement.verdict is not Verdict.ERROR
    return GateStatus(
        name=gate.name,
        verdict=judgement.verdict,
        samples=judgement.candidate.trials,
        value=describe(judgement) if known else "",
        bound=judgement.bound if known else "",
        message=judgement.message[:256],
        on_fail=gate.mode,
    )
