"""Who has to be told what of an Incident, and what is recorded of it: pure."""

from collections.abc import Mapping, Sequence

from shipway.api.conditions import Type, Verdict, is_true, rfc3339
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus, Notified, Reason
from shipway.integrations.notice import Notice, Outcome, Stage
from shipway.kube.resource import Object

NOTIFIED = "Notified"


def stage_of(status: IncidentStatus) -> Stage:
    """How far an incident is."""
    if is_true(status.conditions, Type.READY):
        return Stage.RESOLVED
    return Stage.OPENED if status.mitigated_at is None else Stage.MITIGATED


def records(stored: Sequence[Notified], outcomes: Mapping[str, Outcome]) -> list[Notified]:
    """The records with what came of the last tries; a receiver that was told something stays in them."""
    known = {record.receiver: record for record in stored}
    for name, outcome in outcomes.items():
        known[name] = _with(known.get(name) or Notified(receiver=name), outcome)
    return list(known.values())


def verdict(notified: Sequence[Notified], receivers: Sequence[str]) -> Verdict:
    """The condition `Notified`."""
    if not receivers:
        told = "nobody is told: this operator has neither Alertmanager nor Apprise (notifications of the chart)"
        return Verdict(NOTIFIED, False, Reason.NO_RECEIVER, told)
    failing = [f"{record.receiver} {record.failing}" for record in notified if record.failing]
    if failing:
        return Verdict(NOTIFIED, False, Reason.NOT_DELIVERED, f"{'; '.join(failing)}; it is tried again")
    told = ", ".join(f"{record.receiver} knows that it is {record.told}" for record in notified if record.told)
    if not told:
        return Verdict(NOTIFIED, None, Reason.TELLING, f"telling {', '.join(receivers)}")
    return Verdict(NOTIFIED, True, Reason.TOLD, told)


def wanted(status: IncidentStatus, receiver: str, *, repeated: bool) -> bool:
    """Whether a receiver has to be told now.

    What was resolved before a receiver heard of it is no news.

    Args:
        status: The Incident's.
        receiver: Its name.
        repeated: Whether it has to be told again and again of what is not resolved.
    """
    stage = stage_of(status)
    told = next((record.told for record in status.notified if record.receiver == receiver), "")
    if stage is Stage.RESOLVED:
        return told not in ("", stage)
    return repeated or told != stage


def notice(incident: Object, status: IncidentStatus) -> Notice:
    """What there is to tell."""
    meta = incident["metadata"]
    spec = IncidentSpec.model_validate(incident["spec"])
    return Notice(
        uid=meta["uid"],
        stage=stage_of(status),
        type=spec.type,
        namespace=meta["namespace"],
        name=meta["name"],
        severity=spec.severity,
        owner=status.owner,
        team=status.team,
        on_call=status.on_call,
        model=spec.model,
        version=spec.version,
        gate=spec.gate,
        summary=spec.summary,
        runbook=status.runbook,
        detected_at=spec.detected_at,
    )


def _with(record: Notified, outcome: Outcome) -> Notified:
    if outcome.problem or record.told == outcome.stage:
        return record.model_copy(update={"failing": outcome.problem})
    at = rfc3339(outcome.at)
    news = {"told": outcome.stage.value, "told_at": at, "first_told_at": record.first_told_at or at, "failing": ""}
    return record.model_copy(update=news)
