"""The gates on offline evaluation: what the ModelVersions of both sides say of themselves, by the artifacts' digests."""

from collections.abc import Mapping
from math import isfinite

from shipway.analysis.answers import Told, judged
from shipway.analysis.gate_types.evaluation import Evaluation
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Gate, OfflineEvaluation, Verdict
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentSpec, VersionRef
from shipway.kube.resource import Object

_REMEDY = "publish a version that has it, or take the gate out"


def judgements(
    spec: ServingDeploymentSpec,
    *,
    candidate: VersionRef | None,
    stable: VersionRef | None,
    versions: Mapping[str, Object],
) -> Mapping[str, Judgement]:
    """What the Evaluation gates say, with or without traffic."""
    gates = [(gate, gate.evaluation) for gate in spec.rollout.gates if gate.type == "Evaluation"]
    if candidate is None or stable is None:
        return {}
    new, old = _spec(candidate, versions), _spec(stable, versions)
    return {gate.name: _judgement(gate, asked, new, old, candidate, stable) for gate, asked in gates if asked}


def _judgement(
    gate: Gate,
    asked: OfflineEvaluation,
    new: ModelVersionSpec | None,
    old: ModelVersionSpec | None,
    candidate: VersionRef,
    stable: VersionRef,
) -> Judgement:
    limit = None if gate.limit is None else float(gate.limit)
    number, known = _number(asked, new), _number(asked, old)
    if number is None:
        return _error(f"{_missing(asked, new, candidate)}; {_REMEDY}")
    if known is None and limit is None:
        return _error(f"{_missing(asked, old, stable)}; give the gate a limit, or take it out")
    return Evaluation(asked.higher_is_better, float(gate.margin), limit).judge(number, known)


def _spec(ref: VersionRef, versions: Mapping[str, Object]) -> ModelVersionSpec | None:
    """None where the ModelVersion is gone, or is another artifact by the same name."""
    found = versions.get(ref.version)
    spec = ModelVersionSpec.model_validate(found["spec"]) if found else None
    return spec if spec and spec.digest == ref.digest else None


def _number(asked: OfflineEvaluation, spec: ModelVersionSpec | None) -> float | None:
    wanted = (asked.name, asked.dataset, asked.slice)
    evaluations = spec.evaluation if spec else ()
    found = next((float(each.value) for each in evaluations if (each.name, each.dataset, each.slice) == wanted), None)
    return found if found is not None and isfinite(found) else None


def _missing(asked: OfflineEvaluation, spec: ModelVersionSpec | None, ref: VersionRef) -> str:
    if spec is None:
        return f"there is no ModelVersion of {ref.version} with the digest that runs"
    what = f"{asked.name}{f' on {asked.dataset}' if asked.dataset else ''}{f', {asked.slice}' if asked.slice else ''}"
    known = ", ".join(sorted({each.name for each in spec.evaluation})) or "none"
    return f"{ref.version} was published without an evaluation {what} (it has: {known})"


def _error(message: str) -> Judgement:
    return judged(Verdict.ERROR, message, Told(0, ""))
