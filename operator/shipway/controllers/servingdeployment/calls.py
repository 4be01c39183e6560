"""Incidents that call for somebody and blame no version: of gates that cannot tell, and of budgets that burn.

Each is made as long as the stored status names it and it is not there.
"""

from collections.abc import Collection

from shipway.api.conditions import seconds
from shipway.api.v1alpha1.objectives import ObjectiveStatus
from shipway.controllers.servingdeployment import blindness, children, objectives
from shipway.controllers.servingdeployment.situation import Mark, Situation
from shipway.kube.resource import INCIDENT, Object
from shipway.runtime.plan import Create


def calls(s: Situation, *, sdep: Object, model: Object | None, known: Collection[str]) -> tuple[Create, ...]:
    """What is to be made.

    Args:
        s: The situation.
        sdep: The ServingDeployment.
        model: Its Model.
        known: Names of the Incidents that are there.
    """
    of_gates, of_budgets = _of_gates(s, sdep, model), _of_budgets(s, sdep, model)
    made = (*of_gates, *of_budgets)
    return tuple(Create(INCIDENT, body) for body in made if body["metadata"]["name"] not in known)


def _of_gates(s: Situation, sdep: Object, model: Object | None) -> list[Object]:
    rollout, subject = s.rollout, s.subject
    if rollout is None or subject is None or not rollout.error_incident:
        return []
    mark = blindness.mark(s, rollout)
    if mark is None:
        return []
    incident = children.incident(
        sdep,
        s.spec,
        type_="GateError",
        name=rollout.error_incident,
        subject=subject,
        stable=s.fallback,
        mark=mark,
        model=model,
        evidence=children.evidence(s.findings),
        step_index=rollout.step_index,
        weight=rollout.weights.desired,
    )
    return [incident]


def _of_budgets(s: Situation, sdep: Object, model: Object | None) -> list[Object]:
    """The version is the one that answers: a new one may well be the cure, and is not to blame either."""
    answering = s.status.stable or s.subject
    types = {objective.name: objective.incident for objective in s.spec.objectives}
    if answering is None:
        return []
    return [
        children.incident(
            sdep,
            s.spec,
            type_=types[status.name],
            name=status.incident,
            subject=answering,
            stable=answering,
            mark=_mark(s, status),
            model=model,
            evidence=objectives.evidence(status),
        )
        for status in s.status.objectives
        if status.incident and status.name in types
    ]


def _mark(s: Situation, status: ObjectiveStatus) -> Mark:
    at = seconds(status.since) if status.since else s.now
    return Mark("", status.reason, status.name, f"{status.name}: {status.message}", quarantine=False, at=at)
