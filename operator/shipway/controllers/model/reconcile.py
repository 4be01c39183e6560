"""What a Model's status says: pure, from the versions and incidents of its namespace. A Model has no children."""

from dataclasses import dataclass

from shipway.api.conditions import Type, Verdict, merge
from shipway.api.v1alpha1.model import Alias, ModelSpec, ModelStatus, Reason
from shipway.controllers.model.checks import latest_ready, moved, resolve
from shipway.controllers.quarantine import quarantined
from shipway.kube.resource import Object
from shipway.runtime.plan import Note, Plan

MAX_QUARANTINED = 50


@dataclass(frozen=True)
class Snapshot:
    """Everything a decision is made from.

    Attributes:
        model: The Model.
        versions: The ModelVersions that name it.
        incidents: The Incidents about it.
        now: Unix seconds.
    """

    model: Object
    versions: tuple[Object, ...]
    incidents: tuple[Object, ...]
    now: float


def reconcile(s: Snapshot) -> Plan:
    """The status, and an event for each alias that moved."""
    name, generation = s.model["metadata"]["name"], int(s.model["metadata"].get("generation", 0))
    spec = ModelSpec.model_validate(s.model["spec"])
    stored = ModelStatus.model_validate(s.model.get("status", {}))
    known = {version["spec"]["version"]: version for version in s.versions}
    resolved, dangling = resolve(spec.aliases, known)
    held = quarantined(s.incidents, model=name)[-MAX_QUARANTINED:]
    history = moved(stored.alias_history, spec.aliases, resolved, now=s.now)
    verdict = _verdict(dangling, versions=len(known))
    status = ModelStatus(
        observed_generation=generation,
        conditions=merge(stored.conditions, verdict, generation=generation, now=s.now),
        versions=len(known),
        latest_version=latest_ready(s.versions, held={entry.digest for entry in held}),
        aliases=resolved,
        alias_history=history,
        quarantined=held,
    )
    news = [change for change in history if change not in stored.alias_history]
    events = tuple(
        Note("Normal", "AliasMoved", f"{c.name}: {c.from_version or 'nothing'} -> {c.to_version or 'nothing'}")
        for c in news
    )
    return Plan(status=status.to_wire(), events=events)


def _verdict(dangling: list[Alias], *, versions: int) -> list[Verdict]:
    if dangling:
        led = ", ".join(f"{alias.name} -> {alias.version}" for alias in dangling)
        message = f"no such version: {led}; publish it, or let the alias name an existing version"
        return [
            Verdict(Type.READY, False, Reason.ALIAS_DANGLING, message),
            Verdict(Type.RECONCILING, True, Reason.ALIAS_DANGLING, message),
        ]
    if not versions:
        return [Verdict(Type.READY, True, Reason.NO_VERSION, "registered; no version has been published yet")]
    return [Verdict(Type.READY, True, Reason.RESOLVED, f"{versions} version(s), every alias names one of them")]
