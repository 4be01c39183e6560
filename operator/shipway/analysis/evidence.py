"""The evidence of one step: every gate's counts, kept apart from those at any other weight."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from shipway.analysis.counts import NOTHING, Count
from shipway.analysis.judgement import Judgement
from shipway.analysis.sample import Sample
from shipway.api.v1alpha1.gates import slice_of


class GateEvidence(Protocol):
    """One gate's evidence in one step."""

    @property
    def name(self) -> str:
        """The gate."""
        ...

    def observe(self, *, candidate: Sample, stable: Sample) -> Self:
        """The evidence after one more batch."""
        ...

    def next_step(self, *, keep_stable: bool) -> Self:
        """Begin a step: nothing counted; stable's counts are kept as the baseline where it will get no traffic."""
        ...

    def judge(self) -> Judgement:
        """The gate's verdict so far."""
        ...

    @property
    def stable_suffers_too(self) -> bool:
        """Whether stable itself has got worse in this step."""
        ...


@dataclass(frozen=True)
class StepEvidence:
    """All gates' evidence in one step, with the answers of both versions."""

    gates: tuple[GateEvidence, ...] = ()
    candidate: Count = NOTHING
    stable: Count = NOTHING

    def observe(self, *, candidate: Sample, stable: Sample) -> "StepEvidence":
        """The evidence after one more batch."""
        return StepEvidence(
            tuple(gate.observe(candidate=candidate, stable=stable) for gate in self.gates),
            self.candidate + candidate.answers,
            self.stable + stable.answers,
        )

    def next_step(self, *, keep_stable: bool) -> "StepEvidence":
        """Begin a step; `keep_stable` keeps stable's counts as the baseline where it will get no traffic."""
        gates = tuple(gate.next_step(keep_stable=keep_stable) for gate in self.gates)
        return StepEvidence(gates, NOTHING, self.stable if keep_stable else NOTHING)

    def judge(self) -> Mapping[str, Judgement]:
        """Every gate's verdict so far."""
        return {gate.name: gate.judge() for gate in self.gates}

    def stable_suffers_too(self, slice_: str) -> bool:
        """Whether stable itself has got worse in this step, by any gate on all answers or on this slice."""
        return any(gate.stable_suffers_too for gate in self.gates if slice_of(gate.name) in {"", slice_})
