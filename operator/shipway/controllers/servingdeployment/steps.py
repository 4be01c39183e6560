"""The steps of a rollout as the machine walks them: a weight or a mirror, and the waits that belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from shipway.api.v1alpha1.step import Step
from shipway.integrations.kserve import short_hash


@dataclass(frozen=True)
class Stage:
    """One weight, or a mirror, with the pauses after it.

    Attributes:
        index: Index of its setWeight or mirror in the spec's steps (of the pause where the steps begin with one).
        weight: The new version's share in percent.
        seconds: How long it lasts at the least.
        until_promoted: Whether it lasts until a person promotes.
        mirror: Whether the new version sees a copy of every request; its weight is 0 then.
    """

    index: int
    weight: int
    seconds: int = 0
    until_promoted: bool = False
    mirror: bool = False

    @property
    def load(self) -> int:
        """Percent of the requests that the new version has to bear."""
        return 100 if self.mirror else self.weight

    @property
    def sends_nothing(self) -> bool:
        """Whether the new version sees no request at all."""
        return self.load == 0


ALL_AT_ONCE = (Stage(index=0, weight=100),)
"""A first version has nothing to be compared with."""


def stages_of(steps: Sequence[Step]) -> tuple[Stage, ...]:
    """The stages of a spec, always ending at 100 percent."""
    stages: list[Stage] = []
    for index, step in enumerate(steps):
        if step.set_weight is not None:
            stages.append(Stage(index, step.set_weight))
        elif step.mirror is not None:
            stages.append(Stage(index, 0, mirror=True))
        elif not stages:
            stages.append(_longer(Stage(index, 0), step))
        else:
            stages[-1] = _longer(stages[-1], step)
    if not stages or stages[-1].weight != 100:
        stages.append(Stage(len(steps), 100))
    return tuple(stages)


@lru_cache(maxsize=256)
def hash_of(stages: tuple[Stage, ...]) -> str:
    """Hash of the steps that an index means."""
    return short_hash([_said(stage) for stage in stages], length=10)


def at(stages: Sequence[Stage], index: int) -> Stage:
    """The stage of an index."""
    return next(stage for stage in stages if stage.index == index)


def after(stages: Sequence[Stage], stage: Stage) -> Stage | None:
    """The stage that follows; None after the last."""
    return next((other for other in stages if other.index > stage.index), None)


def nearest(stages: Sequence[Stage], weight: int) -> Stage:
    """Where to go on after the steps were edited: the last stage that asks for no more than `weight`, or the first."""
    return next((stage for stage in reversed(stages) if stage.weight <= weight), stages[0])


def _said(stage: Stage) -> tuple[object, ...]:
    """What is hashed of a stage; where there is no mirror it is what it always was, or every step would begin anew."""
    plain = (stage.index, stage.weight, stage.seconds, stage.until_promoted)
    return (*plain, stage.mirror) if stage.mirror else plain


def _longer(stage: Stage, step: Step) -> Stage:
    assert step.pause is not None
    wait = step.pause.seconds
    return replace(stage, seconds=stage.seconds + (wait or 0), until_promoted=stage.until_promoted or wait is None)
