"""Gates that cannot tell: why, since when, and the Incident that asks for someone to mend it. It blames nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.gates import Verdict
from shipway.api.v1alpha1.servingdeployment import Reason, RolloutStatus, incident_name
from shipway.controllers.servingdeployment.decision import Decision, with_rollout
from shipway.controllers.servingdeployment.situation import Mark, Situation
from shipway.runtime.plan import Note


@dataclass(frozen=True)
class Blindness:
    """Why gates cannot tell.

    Attributes:
        reason: For the condition.
        what: The gates, or `counters` where nothing can be read.
        message: Why, in words.
        until: What ends it.
    """

    reason: Reason
    what: str
    message: str
    until: str


def blindness(s: Situation) -> Blindness | None:
    """Why the gates cannot tell; None while they can, and in the first moments after a start."""
    if s.findings.outcome(s.gates) is not Verdict.ERROR:
        return None
    if s.findings.problem and not s.findings.known(s.gates):
        until = "the counters can be read again"
        return Blindness(Reason.METRICS_UNAVAILABLE, "counters", s.findings.problem, until)
    if unanswered := _errors(s, counts=False):
        return _of(Reason.METRICS_UNAVAILABLE, unanswered, "there is an answer")
    if errors := _errors(s, counts=True):
        return _of(Reason.NOT_COMPARABLE, errors, "the versions can be compared")
    return None


def seen(s: Situation, rollout: RolloutStatus) -> dict[str, Any]:
    """Since when the gates of a rollout cannot tell, as its status is to say it.

    A restart of the operator ends nothing: only gates that can tell do.
    """
    if s.findings.outcome(s.gates) is not Verdict.ERROR:
        return {"error_since": None, "error_incident": ""}
    began = rollout.error_since or (rfc3339(s.now) if blindness(s) else None)
    return {"error_since": began}


def call(s: Situation) -> Decision | None:
    """It has lasted too long: name the Incident, which is made as long as the status names it."""
    rollout = s.rollout
    if rollout is None or not rollout.error_since or rollout.error_incident:
        return None
    why = blindness(s)
    if why is None or s.elapsed(rollout.error_since) < s.spec.rollout.patience:
        return None
    status = with_rollout(s.status, error_incident=f"{incident_name(s.name, rollout)}-gates")
    return Decision(status, notes=(Note("Warning", why.reason, _words(rollout, why)),))


def mark(s: Situation, rollout: RolloutStatus) -> Mark | None:
    """What the Incident has to say; None where there is nothing to say just now."""
    why = blindness(s)
    if why is None:
        return None
    return Mark(rollout.id, "GateError", why.what[:256], _words(rollout, why), quarantine=False, at=s.now)


def _words(rollout: RolloutStatus, why: Blindness) -> str:
    held = f"{rollout.version} stays at {rollout.weights.observed} % until they can"
    return f"the gates cannot tell since {rollout.error_since}: {why.message}; {held}"[:1024]


def _of(reason: Reason, errors: Mapping[str, str], until: str) -> Blindness:
    by_words: dict[str, list[str]] = {}
    for name, words in errors.items():
        by_words.setdefault(words, []).append(name)
    message = "; ".join(f"{', '.join(names)}: {words}" for words, names in by_words.items())
    return Blindness(reason, ", ".join(errors), message, until)


def _errors(s: Situation, *, counts: bool) -> Mapping[str, str]:
    """What the gates say that decide and cannot count, or those that get no answer."""
    found = ((gate.name, s.findings.judgements.get(gate.name)) for gate in s.gates if gate.counts is counts)
    return {name: said.message for name, said in found if said and said.verdict is Verdict.ERROR}
