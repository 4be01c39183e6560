"""A step is over and nothing but replicas is missing for the next one: which step, since when, and in words."""

from shipway.api.v1alpha1.servingdeployment import RolloutStatus
from shipway.controllers.servingdeployment import progress, steps
from shipway.controllers.servingdeployment.decision import later
from shipway.controllers.servingdeployment.situation import Situation
from shipway.controllers.servingdeployment.steps import Stage


def awaited(s: Situation) -> Stage | None:
    """The stage that the release would enter now if it had the replicas; None where it waits for anything else."""
    rollout, stage = s.rollout, _without_replicas(s)
    return stage if rollout and stage and progress.gates_agree(s, rollout) else None


def seen(s: Situation, rollout: RolloutStatus) -> str | None:
    """Since when replicas are missing, as the status of a rollout is to say it.

    Pauses and freezes end it. Gates that cannot tell do not, as in the first moments after a restart of the operator.
    """
    stage = _without_replicas(s)
    if stage is None or rollout.lacking_since:
        return rollout.lacking_since if stage else None
    return later(s.now) if progress.gates_agree(s, rollout) else None


def is_overdue(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether the replicas have been missing for as long as they may."""
    return bool(rollout.lacking_since) and s.elapsed(rollout.lacking_since) >= s.spec.rollout.progress_deadline_seconds


def lacking_words(s: Situation, stage: Stage) -> tuple[str, str]:
    """How many there are of how many, and what keeps the others: 2 of 4 replicas for 50 %."""
    ref = s.lacking(stage)
    fleet, needed = s.fleet(ref), s.replicas_for(ref, stage) if ref else 1
    whose = f" of the twin of {ref.version}" if ref and ref.twin else ""
    purpose = "the mirror" if stage.mirror else f"{stage.weight} %"
    unsettled = "KServe does not call it available yet; " if fleet.ready >= needed else ""
    return f"{fleet.ready} of {needed} replicas{whose} for {purpose}", f"{unsettled}{fleet.message}"


def _without_replicas(s: Situation) -> Stage | None:
    """The stage that comes next, where its time has come and the replicas for it are missing."""
    rollout = s.rollout
    if rollout is None or rollout.state != "Stepping" or s.freeze or s.rival or s.unequipped:
        return None
    if not progress.is_wanted(s):
        return None
    stage = _next(s, rollout)
    return stage if stage and not s.capacity_for(stage) else None


def _next(s: Situation, rollout: RolloutStatus) -> Stage | None:
    if not progress.knows_its_step(s, rollout):
        stage = progress.nearest(s, rollout)
        return stage if progress.asks_for_more(stage, rollout) else None
    return steps.after(s.stages, s.stage) if progress.is_over(s, rollout) else None
