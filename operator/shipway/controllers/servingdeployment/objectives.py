"""Objectives between what was read and the status: which budget burns since when, and the Incident that it calls for.

What is decided is in the status. A restarted operator reads anew, so what it has not read yet ends nothing; and while
nothing changes nothing is written, the numbers of a budget that burns excepted, every five minutes.
"""

from collections.abc import Iterable, Sequence

from shipway.analysis.burn import Burn
from shipway.api.conditions import Verdict, rfc3339, seconds
from shipway.api.v1alpha1.incident import Evidence
from shipway.api.v1alpha1.objectives import BurnWindow, Objective, ObjectiveStatus
from shipway.api.v1alpha1.servingdeployment import Reason
from shipway.controllers.servingdeployment.objective_words import burning_words, unknown_words
from shipway.controllers.servingdeployment.situation import Situation
from shipway.runtime.plan import Note

OBJECTIVES_MET = "ObjectivesMet"
NUMBERS_SECONDS = 300.0
"""Between two writes of the numbers of a budget that burns."""

_STATES = {
    Reason.MET: "Met",
    Reason.BUDGET_BURNING: "Burning",
    Reason.NOT_ENOUGH_DATA: "Unknown",
    Reason.METRICS_UNAVAILABLE: "Unknown",
}


def seen(s: Situation) -> list[ObjectiveStatus]:
    """How the objectives of the spec do, as the status is to say it."""
    known = {status.name: status for status in s.status.objectives}
    return [_seen(s, objective, known.get(objective.name)) for objective in s.spec.objectives]


def verdict(statuses: Sequence[ObjectiveStatus]) -> Verdict:
    """The condition `ObjectivesMet`: False beats Unknown beats True."""
    for state, met in (("Burning", False), ("Unknown", None)):
        found = [status for status in statuses if status.state == state]
        if found:
            told = "; ".join(f"{status.name}: {status.message}" for status in found)
            return Verdict(OBJECTIVES_MET, met, found[0].reason, told)
    names = ", ".join(status.name for status in statuses)
    return Verdict(OBJECTIVES_MET, True, Reason.MET, f"no error budget is used up too fast: {names}")


def notes(before: Iterable[ObjectiveStatus], after: Iterable[ObjectiveStatus]) -> tuple[Note, ...]:
    """Events: a budget began to burn, or does no more."""
    burnt = {status.name for status in before if status.state == "Burning"}
    began = [status for status in after if status.state == "Burning" and status.name not in burnt]
    ended = [status for status in after if status.state == "Met" and status.name in burnt]
    return (
        *(Note("Warning", Reason.BUDGET_BURNING, f"{status.name}: {status.message}"[:1024]) for status in began),
        *(Note("Normal", Reason.MET, f"{status.name}: {status.message}") for status in ended),
    )


def evidence(status: ObjectiveStatus) -> list[Evidence]:
    """The numbers of every window, for an Incident."""
    return [
        Evidence(
            gate=status.name,
            verdict=status.state,
            candidate=f"{window.bad} of {window.answers} answers bad in {window.minutes} min",
            bound=f"{window.burn_rate} times the budget",
            samples=window.answers,
        )
        for window in status.windows
    ]


def due(statuses: Iterable[ObjectiveStatus]) -> list[float]:
    """When numbers are to be written anew, in Unix seconds."""
    return [seconds(status.measured_at) + NUMBERS_SECONDS for status in statuses if status.measured_at]


def _seen(s: Situation, objective: Objective, stored: ObjectiveStatus | None) -> ObjectiveStatus:
    burn = s.budgets.burns.get(objective.name)
    reason = _reason(s, burn, stored)
    if stored is not None and stored.reason == reason and not _is_due(s, burn, stored):
        return stored
    state = _STATES[reason]
    same = stored is not None and stored.state == state
    since = stored.since if stored and same else rfc3339(s.now)
    if burn is None or state != "Burning":
        message = _words(s, objective, reason, stored)
        return ObjectiveStatus(name=objective.name, state=state, reason=reason, since=since, message=message)
    return ObjectiveStatus(
        name=objective.name,
        state=state,
        reason=reason,
        since=since,
        message=burning_words(objective, burn, now=s.now)[:1024],
        windows=_windows(burn),
        measured_at=rfc3339(s.now),
        incident=stored.incident if stored and same else f"{s.name}-slo-{objective.name}-{int(s.now)}",
    )


def _reason(s: Situation, burn: Burn | None, stored: ObjectiveStatus | None) -> Reason:
    if burn is not None and burn.holding:
        return Reason.BUDGET_BURNING
    if stored is not None and stored.state == "Burning":
        return Reason.MET if burn is not None and burn.over else Reason.BUDGET_BURNING
    if s.budgets.problem:
        return Reason.METRICS_UNAVAILABLE
    if burn is not None and (burn.enough or burn.idle):
        return Reason.MET if burn.enough else Reason.NOT_ENOUGH_DATA
    return Reason.MET if stored is not None and stored.state == "Met" else Reason.NOT_ENOUGH_DATA


def _is_due(s: Situation, burn: Burn | None, stored: ObjectiveStatus) -> bool:
    """Whether there are newer numbers to write of a budget that burns; none from windows that have hardly begun."""
    if stored.measured_at is None or burn is None or s.budgets.problem:
        return False
    return burn.read >= burn.lasting.least and s.elapsed(stored.measured_at) >= NUMBERS_SECONDS


def _words(s: Situation, objective: Objective, reason: Reason, stored: ObjectiveStatus | None) -> str:
    if reason is Reason.METRICS_UNAVAILABLE:
        return s.budgets.problem[:1024]
    if reason is Reason.NOT_ENOUGH_DATA:
        return unknown_words(objective)
    burnt = stored is not None and stored.state == "Burning"
    return f"the budget burnt from {stored.since} to {rfc3339(s.now)}" if stored and burnt else ""


def _windows(burn: Burn) -> list[BurnWindow]:
    return [
        BurnWindow(minutes=minutes, burn_rate=f"{burn.rate(minutes):.1f}", answers=count.trials, bad=count.hits)
        for minutes, count in sorted(burn.counts.items())
    ]
