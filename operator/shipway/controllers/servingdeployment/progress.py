"""When a step is over, what its gates say of that, and where the release goes then."""

from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import RolloutStatus
from shipway.controllers.servingdeployment import steps
from shipway.controllers.servingdeployment.situation import Situation, Wanted


def knows_its_step(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether the index means a stage of the spec: the steps were not edited under way."""
    return rollout.step_hash == steps.hash_of(s.stages)


def is_over(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether the step was begun and its waits are over; the gates are not asked here."""
    if rollout.step_started_at is None or not knows_its_step(s, rollout):
        return False
    if rollout.wait_skipped:
        return True
    waited = s.elapsed(rollout.step_started_at) - rollout.paused_seconds
    return waited >= s.stage.seconds and not s.stage.until_promoted


def outcome(s: Situation, rollout: RolloutStatus) -> Verdict:
    """What the gates say of going on; a step that sends nothing, or that the bake follows, proves nothing."""
    said = s.findings.outcome(s.gates)
    if rollout.state == "Baking":
        return said
    if not knows_its_step(s, rollout):
        judged = _reached(rollout) or rollout.mirror
        return Verdict.PASS if said is Verdict.INCONCLUSIVE and not judged else said
    return Verdict.PASS if s.stage.sends_nothing or s.stage == steps.Stage(s.stage.index, 100) else said


def gates_agree(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether the gates let the release go on: they pass, or they cannot tell and it was said to go on without."""
    said = outcome(s, rollout)
    if said is not Verdict.INCONCLUSIVE:
        return said is Verdict.PASS
    rules = s.spec.rollout.inconclusive
    held = rollout.hold_since is not None and s.elapsed(rollout.hold_since) >= rules.hold_seconds
    return rollout.wait_skipped or (held and rules.then == "Promote")


def place(s: Situation) -> str | None:
    """Which of how many stages is under way, such as 2/4: pauses are not counted, they belong to the weight before."""
    rollout = s.rollout
    if rollout is None or not rollout.step_hash or rollout.state == "Baking":
        return None
    number = s.stages.index(s.stage) + 1 if knows_its_step(s, rollout) else 1
    return f"{number}/{len(s.stages)}"


def nearest(s: Situation, rollout: RolloutStatus) -> steps.Stage:
    """Where a release goes on whose steps were edited: at the weight that was reached, or nearest below it."""
    return steps.nearest(s.stages, _reached(rollout))


def asks_for_more(stage: steps.Stage, rollout: RolloutStatus) -> bool:
    """Whether a stage of edited steps has more weight than was reached."""
    return stage.weight > _reached(rollout)


def is_wanted(s: Situation) -> bool:
    """Whether there is a version that may be released; where a person goes back, whatever the spec asks for."""
    return s.unsupported is None and (isinstance(s.wanted, Wanted) or (s.rollout is not None and s.rollout.undo))


def _reached(rollout: RolloutStatus) -> int:
    return rollout.history[-1].weight if rollout.history else 0
