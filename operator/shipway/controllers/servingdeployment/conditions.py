"""What an on-call person is told: conditions and one sentence, with the numbers and what would change them."""

from shipway.api.conditions import Type, Verdict, merge
from shipway.api.schema import Condition
from shipway.api.v1alpha1.gates import Verdict as GateVerdict
from shipway.api.v1alpha1.servingdeployment import ActionRecord, Reason, RolloutStatus, ServingDeploymentStatus, Verb
from shipway.controllers.servingdeployment import capacity, objectives, progress, steps
from shipway.controllers.servingdeployment.blindness import blindness
from shipway.controllers.servingdeployment.evidence import describe
from shipway.controllers.servingdeployment.situation import NO_FLEET, Problem, Situation, Wanted, lets_pass, same
from shipway.controllers.servingdeployment.verbs import PAUSED

SERVING = "Serving"
GUARDED = "Guarded"
_LIMIT = 1024
_NO_WAY_BACK = "a gate fails, but stable has no ready replica to go back to"
_FINE = frozenset({GateVerdict.PASS, GateVerdict.NO_EVIDENCE_OF_HARM})
"""What is not worth a word of a slice, of which there may be many."""
_STALLED = {Reason.HOST_TAKEN, Reason.QUARANTINED, Reason.ROLLED_BACK, Reason.ROLLBACK_BLOCKED, Reason.DEPENDENCY_CYCLE}


def conditions(s: Situation, status: ServingDeploymentStatus, *, generation: int) -> list[Condition]:
    """Ready: the wanted version has all traffic and is trusted. Serving: somebody answers. Guarded: by a comparison.

    ObjectivesMet: whoever answers does so well enough. It changes the status of no other condition, for a new version
    may be the cure; the message of Ready has it all the same.
    """
    reason, message = state_of(s)
    message = _and(message, _besides(s))
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
    """The sentence `kubectl get -o wide` shows. However long it is, what it ends with is not cut off."""
    sentence, besides = state_of(s)[1], _besides(s)
    room = _LIMIT - len(f"; {besides}") if besides else _LIMIT
    return _and(sentence[:room], besides)


def _besides(s: Situation) -> str:
    """What an on-call person must know whatever state it is in."""
    unguarded = _unguarded(s, s.rollout) if s.rollout else None
    clauses = [f"not guarded: {unguarded[1]}"] if unguarded else []
    clauses += [
        f"the error budget of {status.name} burns: {status.message} (Incident {status.incident})"
        for status in s.status.objectives
        if status.state == "Burning"
    ]
    return "; ".join(clauses)[: _LIMIT // 2]


def _and(sentence: str, clause: str) -> str:
    if not clause:
        return sentence
    return f"{sentence} {clause[0].upper()}{clause[1:]}" if sentence.endswith(".") else f"{sentence}; {clause}"


def state_of(s: Situation) -> tuple[Reason, str]:  # noqa: PLR0911 - one per reason
    """The one reason that matters most now, in words."""
    if s.rollout is not None and _has_no_way_back(s):
        return Reason.ROLLBACK_BLOCKED, f"{_place(s, s.rollout)}: {_NO_WAY_BACK}{_numbers(s)}"
    if isinstance(s.wanted, Problem):
        besides = f"{_meanwhile(s)}{_taken_back(s)}"
        return s.wanted.reason, f"{s.wanted.message}.{besides}" if besides else s.wanted.message
    if s.rollout is not None:
        return _releasing(s, s.rollout)
    if s.rival:
        return Reason.HOST_TAKEN, _rival_words(s)
    if s.unsupported:
        return s.unsupported.reason, f"{s.unsupported.message}.{_meanwhile(s)}"
    if s.hold is not None and not same(s.wanted.ref, s.status.stable):
        return s.hold.reason, s.hold.message + _meanwhile(s)
    return _steady(s, s.wanted)


def _has_no_way_back(s: Situation) -> bool:
    return s.findings.outcome(s.gates) is GateVerdict.FAIL and s.fallback is not None and not s.fallback_answers


def _taken_back(s: Situation) -> str:
    """That the last release was taken back, where something else is said of the version that is wanted."""
    abort, rollout = s.status.abort, s.status.rollout
    if abort is None or rollout is None or rollout.state != "Aborted":
        return ""
    return f" {abort.version} was taken back at {abort.at}: {abort.message}."


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
    return not progress.knows_its_step(s, rollout) or steps.after(s.stages, s.stage) is not None


def _until_promoted(s: Situation, rollout: RolloutStatus) -> bool:
    """Whether the step's weight holds and nothing but a person ends the step."""
    entered = rollout.step_started_at is not None and progress.knows_its_step(s, rollout)
    return entered and s.stage.until_promoted and not rollout.wait_skipped


def _blocked(s: Situation, rollout: RolloutStatus) -> tuple[Reason, str] | None:  # noqa: PLR0911 - one per reason
    """Why the release does not go on although nothing is wrong with waiting."""
    fleet = s.fleet(s.subject)
    if s.rival:
        return Reason.HOST_TAKEN, _rival_words(s)
    if s.unsupported:
        return s.unsupported.reason, s.unsupported.message
    if not rollout.step_hash and not s.capacity_for(s.stages[0]):
        return Reason.PREDICTOR_STARTING, _starting_words(s, rollout)
    if rollout.step_hash and fleet.ready == 0:
        return Reason.PREDICTOR_STARTING, f"no ready replica: {fleet.message}; {_others(s)}"
    if s.route is not None and not s.route.accepted:
        return Reason.ROUTE_NOT_ACCEPTED, _route_words(s)
    if blind := blindness(s):
        about = f" (Incident {rollout.error_incident})" if rollout.error_incident else ""
        return blind.reason, f"{blind.message}; held until {blind.until}{about}"
    if stage := capacity.awaited(s):
        return Reason.PREDICTOR_STARTING, _lacking_words(s, rollout, stage)
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


def _lacking_words(s: Situation, rollout: RolloutStatus, stage: steps.Stage) -> str:
    deadline = s.spec.rollout.progress_deadline_seconds
    limit = f"not enough after {deadline} s" if capacity.is_overdue(s, rollout) else f"at most {deadline} s"
    count, why = capacity.lacking_words(s, stage)
    return f"{count} are ready (since {rollout.lacking_since}, {limit}): {why}"


def _paused_words(s: Situation, rollout: RolloutStatus) -> str:
    """Since when, and by whom: a person, or the gates when they could not tell."""
    since = f"paused since {rollout.paused_at}"
    if action := _pausing(s, rollout):
        return f"paused by {action.by or 'unknown'} since {action.at} ({action.reason or 'no reason given'})"
    if not rollout.hold_since:
        return since
    undecided = _undecided(s)
    return f"{since} because a gate could not tell" + (f": {undecided}" if undecided else "")


def _pausing(s: Situation, rollout: RolloutStatus) -> ActionRecord | None:
    """The verb by which a person paused it; None where the gates did."""
    pauses = [action for action in s.status.actions if action.verb == Verb.PAUSE and action.result == PAUSED]
    at_that_time = next((action for action in pauses if action.at == rollout.paused_at), None)
    if at_that_time or rollout.hold_since or not pauses:
        return at_that_time
    return pauses[-1]  # the clock has gone back since


def _evidence_words(s: Situation, rollout: RolloutStatus) -> str:
    rules = s.spec.rollout.inconclusive
    over = s.elapsed(rollout.hold_since) >= rules.hold_seconds or (rules.then == "Pause" and rollout.state == "Baking")
    then = "`shipway promote` or `abort` decides" if over else f"after {rules.hold_seconds} s: {rules.then}"
    return f"{_ended(s, rollout)} but a gate cannot tell since {rollout.hold_since} ({then}); {_undecided(s)}"


def _ended(s: Situation, rollout: RolloutStatus) -> str:
    if rollout.state == "Baking":
        return "the bake is over"
    known = progress.knows_its_step(s, rollout)
    return "the step is over" if known else f"every step now asks for more than {rollout.weights.desired} %"


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
    clock = _clock(s, rollout, s.stage) if progress.knows_its_step(s, rollout) else "steps edited"
    where = "is mirrored" if rollout.mirror else f"at {rollout.weights.observed} %"
    alone = f"; {found}" if (found := _alone(s)) else ""
    return f"{name} {where} (step {progress.place(s)}, {clock}{alone})"


def _alone(s: Situation) -> str:
    """That there is nobody to go back to, where there is not."""
    fallback, fleet = s.fallback, s.fleet(s.fallback)
    return "" if fallback is None or fleet.ready else f"{fallback.version} has no ready replica: {fleet.message}"


def _clock(s: Situation, rollout: RolloutStatus, stage: steps.Stage) -> str:
    if rollout.step_started_at is None:
        return "setting the mirror" if stage.mirror else f"setting {stage.weight} %"
    if stage.until_promoted:
        return "until promoted"
    paused = rollout.paused_seconds + s.elapsed(rollout.paused_at)
    waited = max(0.0, s.elapsed(rollout.step_started_at) - paused)
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
    stable, subject = s.status.stable, s.subject
    if stable is None or s.fleet(stable).ready == 0:
        alone = subject is not None and s.share(subject.inference_service) and s.fleet(subject).ready
        return f" Meanwhile {subject.version} answers." if subject and alone else ""
    if s.rival:
        return f" Meanwhile {_rival_words(s)}"
    if s.route is not None and not s.route.accepted:
        return f" Meanwhile {stable.version} should answer, but {_route_words(s)}"
    return f" Meanwhile {_answering(s, stable.version)}."


def _answering(s: Situation, stable: str) -> str:
    """Who answers how much: stable alone, or with the version that is released."""
    subject = s.subject if s.rollout is not None else None
    share = s.share(subject.inference_service) if subject else 0
    if subject is None or share == 0 or subject.version == stable:
        return f"{stable} answers"
    return f"{stable} answers {100 - share} % of the requests and {subject.version} {share} %"


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
    if unguarded := _unguarded(s, rollout):
        return Verdict(GUARDED, status=False, reason=unguarded[0], message=unguarded[1])
    names = ", ".join(gate.name for gate in s.spec.rollout.gates if gate.may_abort)
    whom = f"a twin of {rollout.baseline}" if s.status.twin else rollout.baseline
    text = f"{rollout.version} was compared with {whom} by {names}"
    return Verdict(GUARDED, status=True, reason=Reason.GUARDED, message=text)


def _unguarded(s: Situation, rollout: RolloutStatus) -> tuple[Reason, str] | None:
    """Why nothing would take a bad version back; None where a gate would."""
    if not rollout.baseline:
        return Reason.NO_BASELINE, f"{rollout.version} is a first version, with nothing to compare it with"
    if rollout.undo:
        return Reason.NO_GATES, f"a person went back to {rollout.version}, and no gate is asked"
    if not s.spec.rollout.gates:
        text = (
            "no gates are declared, so a bad version is not noticed; add spec.rollout.gates, or take the empty list out"
        )
        return Reason.NO_GATES, text
    if not any(gate.may_abort for gate in s.spec.rollout.gates):
        return Reason.NO_GATES, "no gate may take a bad version back; declare one with onFail: Abort"
    return None


def _whole(seconds: float) -> int:
    return int(seconds)
