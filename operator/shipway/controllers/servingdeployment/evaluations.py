"""The gates on offline evaluation: what the ModelVersions of both sides say of themselves, by their digests."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from shipway.analysis.answers import Told, judged
from shipway.analysis.gate_types.evaluation import Evaluation
from shipway.analysis.judgement import Judgement
from shipway.api.v1alpha1.gates import Gate, OfflineEvaluation, Verdict
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentSpec, VersionRef
from shipway.kube.resource import Object


def judgements(
    spec: ServingDeploymentSpec,
    *,
    candidate: VersionRef | None,
    stable: VersionRef | None,
    versions: Mapping[str, Object],
) -> Mapping[str, Judgement]:
    """What the Evaluation gates say, with or without traffic."""
    gates = [(gate, gate.evaluation) for gate in spec.rollout.gates if gate.type == "Evaluation"]
    if not gates or candidate is None or stable is None:
        return {}
    new, old = _Published.of(candidate, versions), _Published.of(stable, versions)
    return {gate.name: _judgement(gate, asked, candidate=new, stable=old) for gate, asked in gates if asked}


@dataclass(frozen=True)
class _Published:
    """A version, and what it was published with; None where its ModelVersion is gone, or is another artifact by now."""

    version: str
    spec: ModelVersionSpec | None

    @classmethod
    def of(cls, ref: VersionRef, versions: Mapping[str, Object]) -> "_Published":
        found = versions.get(ref.version)
        spec = ModelVersionSpec.model_validate(found["spec"]) if found else None
        return cls(ref.version, spec if spec and spec.digest == ref.digest else None)

    def number(self, asked: OfflineEvaluation) -> float | None:
        wanted = (asked.name, asked.dataset, asked.slice)
        known = self.spec.evaluation if self.spec else ()
        found = next((float(each.value) for each in known if (each.name, each.dataset, each.slice) == wanted), None)
        return found if found is not None and isfinite(found) else None

    def lacks(self, asked: OfflineEvaluation) -> str:
        if self.spec is None:
            return f"there is no ModelVersion of {self.version} with the digest that runs"
        where = f" on {asked.dataset}" if asked.dataset else ""
        part = f", {asked.slice}" if asked.slice else ""
        known = ", ".join(sorted({each.name for each in self.spec.evaluation})) or "none"
        return f"{self.version} was published without an evaluation {asked.name}{where}{part} (it has: {known})"


def _judgement(gate: Gate, asked: OfflineEvaluation, *, candidate: _Published, stable: _Published) -> Judgement:
    limit = None if gate.limit is None else float(gate.limit)
    new, old = candidate.number(asked), stable.number(asked)
    if new is None:
        return _error(f"{candidate.lacks(asked)}; publish a version that has it, or take the gate out")
    if old is None and limit is None:
        return _error(f"{stable.lacks(asked)}; give the gate a limit, or take it out")
    return Evaluation(asked.higher_is_better, float(gate.margin), limit).judge(new, old)


def _error(message: str) -> Judgement:
    return judged(Verdict.ERROR, message, Told(0, ""))
