"""What an on-call person is told: conditions and one sentence, with the numbers and what would change them."""

from shipway.api.conditions import Type, Verdict, merge
from shipway.api.schema import Condition
from shipway.api.v1alpha1.gates import Verdict as GateVerdict
from shipway.api.v1alpha1.servingdeployment import Reason, RolloutStatus, ServingDeploymentStatus
from shipway.controllers.servingdeployment import objectives, steps
from shipway.controllers.servingdeployment.blindness import blindness
from shipway.controllers.servingdeployment.evidence import describe
from shipway.controllers.servingdeployment.situation import NO_FLEET, Problem, Situation, Wanted, lets_pass, same

SERVING = "Serving"
GUARDED = "Guarded"
_LIMIT = 1024
_FINE = frozenset({GateVerdict.PASS, GateVerdict.NO_EVIDENCE_OF_HARM})
"""What is not worth a word of a slice, of which there may be many."""


def conditions(s: Situation, status: ServingDeploymentStatus, *, generation: int) -> list[Condition]:
    """Ready: the wanted version has all traffic and is trusted. Serving: somebody answers. Guarded: by a comparison.

    ObjectivesMet: whoever answers does so well enough. It changes no other condition: a new version may be the cure.
    """
    reason, message = state_of(s)
    ready = reason is Reason.SERVING
    verdicts = [Verdict(Type.READY, status=ready, reason=reason, message=message), _serving(s)]
    if status.rollout is not None:
        verdicts.append(_guarded(s, status.rollout))
    if status.objectives:
        verdicts.append(objectives.verdict(status.objectives))
    if reason in _STALLED:
        verdicts.append(Verdict(Type.STALLED, status=True, reason=reason, message=message))
    elif not ready:
        verdicts.append(Verdict(Type.RECONCILING, status=True, reason=reason, message=message))
    return merge(status.conditions, verdicts, generation=generation, now=s.now)


def summary(s: Situation) -> str:
    """The sentence `kubectl get -o wide` shows."""
    return state_of(s)[1][:_LIMIT]


_STALLED = {Reason.HOST_TAKEN, Reason.QUARANTINED, Reason.ROLLED_BACK, Reason.ROLLBACK_BLOCKED, Reason.DEPENDENCY_CYCLE}


def state_of(s: Situation) -> tuple[Reason, str]:
    """The one reason that matters most now, in words."""
    if isinstance(s.wanted, Problem):
        return s.wanted.reason, s.wanted.message + (f".{meanwhile}" if (meanwhile := _meanwhile(s)) else "")
    if s.rollout is not None:
        return _releasing(s, s.rollout)
    if s.rival:
        return Reason.HOST_TAKEN, _rival_words(s)
    if s.hold is not None and not same(s.wanted.ref, s.status.stable):
        return s.hold.reason, s.hold.message + _meanwhile(s)
    return _steady(s, s.wanted)


def _steady(s: Situation, wanted: Wanted) -> tuple[Reason, str]:
    stable = s.status.stable
    if not same(wanted.ref, stable):
        return _not_started(s, wanted.ref.version)
    version = wanted.ref.version
    if s.fleet(stable).ready == 0:
        return Reason.PREDICTOR_STARTING, f"{version} has no ready replica: {s.fleet(stable).message}"
    if s.route is None or not s.route.accepted:
        return Reason.ROUTE_NOT_ACCEPTED, _route_words(s)
    return Reason.SERVING, f"{version} answers at {s.spec.host}{wanted.passed_over}"


def _not_started(s: Situation, version: str) -> tuple[Reason, str]:
    """Why a version that could be released is not."""
    if s.freeze:
        return Reason.FROZEN, f"{version} is not released yet: {s.freeze.message}.{_meanwhile(s)}"
    if s.predecessor:
        return s.predecessor.reason, f"{s.predecessor.message}.{_meanwhile(s)}"
    if s.turn and s.status.queued_at:
        return Reason.AWAITING_TURN, f"{version} waits for its turn: {s.turn.message}.{_meanwhile(s)}"
    return Reason.PROGRESSING, f"{version} is about to be released"


def _releasing(s: Situation, rollout: RolloutStatus) -> tuple[Reason, str]:
    place = _place(s, rollout)
    if rollout.state == "Paused":
        return Reason.PAUSED, f"{place}: {_paused_words(s, rollout)}; `shipway resume` or `promote` lets it go on"
    if blocked := _blocked(s, rollout):
        return blocked[0], f"{place}: {blocked[1]}"
    if rollout.state == "Baking":
        left = f"{_whole(s.elapsed(rollout.step_started_at))} s of {s.spec.rollout.bake_seconds} s"
        return Reason.BAKING, f"{place}, baking ({left}){_numbers(s)}{_waiting_wanted(s)}"
    if _until_promoted(s, rollout):
        return Reason.AWAITING_PROMOTION, f"{place}{_numbers(s)}"
    if s.freeze and _goes_on(s, rollout):
        return Reason.FROZEN, f"{place}: {s.freeze.message}; the gates go on watching{_numbers(s)}"
    return Reason.PROGRESSING, f"{place}{_numbers(s)}"


def _goes_on(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether there is a step that the new version has yet to enter."""
    known = rollout.step_hash == steps.hash_of(s.stages)
    return not known or steps.after(s.stages, s.stage) is not None


def _until_promoted(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether the step's weight holds and nothing but a person ends the step."""
    entered = rollout.step_started_at is not None and rollout.step_hash == steps.hash_of(s.stages)
    return entered and s.stage.until_promoted and not rollout.wait_skipped


def _blocked(s: Situation, rollout: RolloutStatus) -> tuple[Reason, str] | None:  # noqa: PLR0911 - one per reason
    """Why the release does not go on although nothing is wrong with waiting."""
    outcome = s.findings.outcome(s.gates)
    fleet = s.fleet(s.subject)
    if outcome is GateVerdict.FAIL:
        return Reason.ROLLBACK_BLOCKED, "a gate fails, but stable has no ready replica to go back to" + _numbers(s)
    if s.rival:
        return Reason.HOST_TAKEN, _rival_words(s)
    if not rollout.step_hash and not s.capacity_for(s.stages[0]):
        return Reason.PREDICTOR_STARTING, _starting_words(s, rollout)
    if rollout.step_hash and fleet.ready == 0:
        return Reason.PREDICTOR_STARTING, f"no ready replica: {fleet.message}; {_others(s)}"
    if s.route is not None and not s.route.accepted:
        return Reason.ROUTE_NOT_ACCEPTED, _route_words(s)
    if blind := blindness(s):
        about = f" (Incident {rollout.error_incident})" if rollout.error_incident else ""
        return blind.reason, f"{blind.message}; held until {blind.until}{about}"
    if rollout.hold_since:
        return Reason.AWAITING_EVIDENCE, _evidence_words(s, rollout)
    return None


def _starting_words(s: Situation, rollout: RolloutStatus) -> str:
    lacking, deadline = s.lacking(s.stages[0]), s.spec.rollout.progress_deadline_seconds
    fleet, whose = s.fleet(lacking), f" of the twin of {lacking.version}" if lacking and lacking.twin else ""
    needed = s.replicas_for(lacking, s.stages[0]) if lacking else 1
    late = s.elapsed(rollout.started_at) > deadline
    limit = f"not ready after {deadline} s" if late else f"at most {deadline} s"
    return f"{fleet.ready} of {needed} replicas{whose} ready ({limit}): {fleet.message}"


def _paused_words(s: Situation, rollout: RolloutStatus) -> str:
    """Since when, and by whom: a person, or the gates when they could not tell."""
    since = f"paused since {rollout.paused_at}"
    if not rollout.hold_since:
        return since
    undecided = _undecided(s)
    return f"{since} because a gate could not tell" + (f": {undecided}" if undecided else "")


def _evidence_words(s: Situation, rollout: RolloutStatus) -> str:
    rules = s.spec.rollout.inconclusive
    over = s.elapsed(rollout.hold_since) >= rules.hold_seconds
    then = "`shipway promote` or `abort` decides" if over else f"after {rules.hold_seconds} s: {rules.then}"
    what = "bake" if rollout.state == "Baking" else "step"
    return f"the {what} is over but a gate cannot tell since {rollout.hold_since} ({then}); {_undecided(s)}"


def _undecided(s: Situation) -> str:
    """The gates that keep the step from ending, with their numbers."""
    found = [(gate, s.findings.judgements.get(gate.name)) for gate in s.gates]
    return "; ".join(
        f"{gate.title}: {describe(judgement)}, {judgement.message}"
        for gate, judgement in found
        if judgement and not lets_pass(gate, judgement.verdict)
    )


def _place(s: Situation, rollout: RolloutStatus) -> str:
    name = f"undo to {rollout.version}" if rollout.undo else rollout.version
    if not rollout.step_hash:
        return f"{name} is starting" if rollout.state != "Paused" else name
    if rollout.state == "Baking":
        return f"{name} at 100 %" + (f" ({alone})" if (alone := _alone(s)) else "")
    stages = s.stages
    known = rollout.step_hash == steps.hash_of(stages)
    number = stages.index(s.stage) + 1 if known else 1
    clock = _clock(s, rollout, s.stage) if known else "steps edited"
    where = "is mirrored" if rollout.mirror else f"at {rollout.weights.observed} %"
    alone = f"; {found}" if (found := _alone(s)) else ""
    return f"{name} {where} (step {number}/{len(stages)}, {clock}{alone})"


def _alone(s: Situation) -> str:
    """That there is nobody to go back to, where there is not."""
    fallback, fleet = s.fallback, s.fleet(s.fallback)
    return "" if fallback is None or fleet.ready else f"{fallback.version} has no ready replica: {fleet.message}"


def _clock(s: Situation, rollout: RolloutStatus, stage: steps.Stage) -> str:
    if rollout.step_started_at is None:
        return "setting the mirror" if stage.mirror else f"setting {stage.weight} %"
    if stage.until_promoted:
        return "until promoted"
    waited = max(0.0, s.elapsed(rollout.step_started_at) - rollout.paused_seconds)
    return f"{min(_whole(waited), stage.seconds)} s of {stage.seconds} s"


def _numbers(s: Situation) -> str:
    parts = []
    for gate in s.spec.rollout.tests:
        judgement = s.findings.judgements.get(gate.name)
        if judgement and judgement.candidate.trials and not (gate.slice and judgement.verdict in _FINE):
            name = gate.title if gate.decides else f"{gate.title} (observed)"
            parts.append(f"{name} {describe(judgement)}, {judgement.message}")
    return f": {'; '.join(parts)}" if parts else ""


def _route_words(s: Situation) -> str:
    if s.route is None:
        return "the route does not exist yet"
    return f"the route is not accepted: {s.route.complaint}"


def _rival_words(s: Situation) -> str:
    return (
        f"{s.spec.host} is answered by ServingDeployment {s.rival}, whose route is older; "
        "name another host, or delete that one"
    )


def _others(s: Situation) -> str:
    """Who answers while the new version has no ready replica."""
    answered = any(s.fleet(ref).ready for ref in s.status.running)
    return "others answer" if answered else "nobody answers until a replica is ready"


def _meanwhile(s: Situation) -> str:
    stable = s.status.stable
    if stable is None or s.fleet(stable).ready == 0:
        return ""
    if s.rival:
        return f" Meanwhile {_rival_words(s)}"
    if s.route is not None and not s.route.accepted:
        return f" Meanwhile {stable.version} should answer, but {_route_words(s)}"
    return f" Meanwhile {stable.version} answers."


def _waiting_wanted(s: Situation) -> str:
    if not isinstance(s.wanted, Wanted) or s.hold or same(s.wanted.ref, s.subject):
        return ""
    return f"; {s.wanted.ref.version} waits for the end of the bake, which `shipway promote` brings forward"


def _serving(s: Situation) -> Verdict:
    stable = s.status.stable or s.status.candidate
    if s.route is None or not s.route.shares:
        why = s.fleet(stable).message if stable else "no version has been released yet"
        return Verdict(SERVING, status=False, reason=Reason.NOT_SERVING, message=f"nobody answers yet: {why}")
    if s.rival:
        return Verdict(SERVING, status=False, reason=Reason.HOST_TAKEN, message=_rival_words(s))
    if not s.route.accepted:
        return Verdict(SERVING, status=False, reason=Reason.ROUTE_NOT_ACCEPTED, message=_route_words(s))
    dead = [name for name in s.route.shares if s.fleets.get(name, NO_FLEET).ready == 0]
    if len(dead) == len(s.route.shares):
        why = s.fleet(stable).message
        return Verdict(SERVING, status=False, reason=Reason.NOT_SERVING, message=f"no replica is ready: {why}")
    return Verdict(SERVING, status=True, reason=Reason.SERVING, message=f"{s.spec.host} is answered")


def _guarded(s: Situation, rollout: RolloutStatus) -> Verdict:
    if not rollout.baseline:
        text = f"{rollout.version} is a first version: there was nothing to compare it with"
        return Verdict(GUARDED, status=False, reason=Reason.NO_BASELINE, message=text)
    if rollout.undo:
        text = f"a person went back to {rollout.version}: no gate was asked"
        return Verdict(GUARDED, status=False, reason=Reason.NO_GATES, message=text)
    if not s.spec.rollout.gates:
        text = "no gates are declared: a bad version is not noticed; add spec.rollout.gates, or take the empty list out"
        return Verdict(GUARDED, status=False, reason=Reason.NO_GATES, message=text)
    guards = [gate.name for gate in s.spec.rollout.gates if gate.may_abort]
    if not guards:
        text = "no gate may take a bad version back; declare one with onFail: Abort"
        return Verdict(GUARDED, status=False, reason=Reason.NO_GATES, message=text)
    names = ", ".join(guards)
    whom = f"a twin of {rollout.baseline}" if s.status.twin else rollout.baseline
    text = f"{rollout.version} was compared with {whom} by {names}"
    return Verdict(GUARDED, status=True, reason=Reason.GUARDED, message=text)


def _whole(seconds: float) -> int:
    return int(seconds)
