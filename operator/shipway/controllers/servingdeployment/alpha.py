"""How a release's alpha is spent: a part for each gate and slice, and of that a part for each step.

Steps share it in inverse proportion to the traffic that the new version gets. A smaller part costs a test about the
same number of answers wherever it is spent, and answers are scarce where the weight is small: this split makes the
sum of the times that it costs the smallest.
"""

from collections.abc import Mapping
from fractions import Fraction

from shipway.analysis.split import split
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment import steps

_BAKE_LOAD = 100


def of_gates(rollout: Rollout) -> Mapping[str, float]:
    """The part of a release's alpha that each gate has, and each of its slices.

    Split over the gates whose tests may take the version back. The others take nothing from these: each may spend all.
    A gate's part is split evenly once more over all answers and its slices.
    """
    whole = Fraction(rollout.alpha)
    parts = split(whole, [gate.name for gate in rollout.gates if gate.spends_alpha])
    found: dict[str, Fraction] = {}
    for gate in rollout.gates:
        found |= split(parts.get(gate.name, whole), [test.name for test in gate.tests])
    return {name: float(part) for name, part in found.items()}


def part_of_step(rollout: Rollout, *, load: int) -> float:
    """The part of a gate's alpha that it may spend in one step.

    Args:
        rollout: With all steps.
        load: Percent of the traffic that the new version answers; 0 before the first step, which that belongs to.
    """
    planned = _loads(rollout)
    part = Fraction(1, load or planned[0]) / sum(Fraction(1, each) for each in planned)
    return min(float(part), 1.0)  # the steps may have been edited, and this one be in them no more


def _loads(rollout: Rollout) -> list[int]:
    """Percent of the traffic that the new version answers, step by step and in the bake."""
    return [stage.load for stage in steps.stages_of(rollout.steps) if not stage.sends_nothing] + [_BAKE_LOAD]
