"""How a decision about a job becomes its status: conditions, attempts and progress, bounded and free of churn."""

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.api import conditions
from shipway.api.conditions import Type, Verdict, rfc3339, seconds
from shipway.api.schema import Decimal
from shipway.api.v1alpha1.trainingjob import (
    Attempt,
    Cause,
    LastCheckpoint,
    Progress,
    Reason,
    TrainingJobStatus,
)
from shipway.controllers.trainingjob.checks import Loss
from shipway.integrations.report import Report

MAX_ATTEMPTS = 20
MAX_TEXT = 1024


@dataclass(frozen=True)
class State:
    """Where the job is, in the words of its conditions."""

    reason: Reason
    message: str
    ready: bool = False
    succeeded: bool = False
    failed: bool = False

    def verdicts(self) -> Sequence[Verdict]:
        """The conditions. Ready means running as specified, or finished well; kstatus reads the abnormal ones."""
        told = [Verdict(Type.READY, self.ready, self.reason, self.message)]
        if self.failed:
            told.append(Verdict(Type.STALLED, True, self.reason, self.message))
        elif not self.ready:
            told.append(Verdict(Type.RECONCILING, True, self.reason, self.message))
        ended = self.succeeded or self.failed
        why, message = (self.reason, self.message) if ended else (Reason.NOT_FINISHED, "")
        return [
            *told,
            Verdict(Type.SUCCEEDED, self.succeeded, why, message),
            Verdict(Type.FAILED, self.failed, why, message if self.failed else ""),
        ]


def finished(status: TrainingJobStatus) -> bool:
    """Whether the job has ended, well or badly; nothing makes it run again."""
    return any(conditions.is_true(status.conditions, kind) for kind in (Type.SUCCEEDED, Type.FAILED))


def current(status: TrainingJobStatus) -> Attempt | None:
    """The attempt under way; None before the first and while suspended."""
    last = status.attempts[-1] if status.attempts else None
    return last if last and last.ended_at is None else None


def told(status: TrainingJobStatus, state: State, *, generation: int, now: float) -> TrainingJobStatus:
    """The status with the conditions of a state; what has ended or is to rest hangs no more."""
    merged = conditions.merge(status.conditions, state.verdicts(), generation=generation, now=now)
    rests = state.succeeded or state.failed or state.reason is Reason.SUSPENDED
    hang = None if rests else status.hang
    return status.model_copy(update={"conditions": merged, "observed_generation": generation, "hang": hang})


def with_attempt(status: TrainingJobStatus, *, now: float, newest: int = 0) -> TrainingJobStatus:
    """The status with the next attempt opened; this one write is what makes it exist.

    Args:
        status: The status.
        now: Unix seconds.
        newest: The newest attempt there are pods of: it goes on where the status was lost.
    """
    number = max(status.attempt + 1, newest)
    attempts = [*status.attempts, Attempt(attempt=number, started_at=rfc3339(now))][-MAX_ATTEMPTS:]
    return status.model_copy(
        update={"attempt": number, "attempts": attempts, "start_time": status.start_time or rfc3339(now)}
    )


def with_last_attempt(status: TrainingJobStatus, **changes: object) -> TrainingJobStatus:
    """The status with its newest attempt changed."""
    *earlier, last = status.attempts
    return status.model_copy(update={"attempts": [*earlier, last.model_copy(update=changes)]})


def closed(status: TrainingJobStatus, cause: Cause, *, now: float, loss: Loss | None = None) -> TrainingJobStatus:
    """The status with the attempt under way ended, and everything known about its end."""
    found = (
        {
            "pod": loss.pod,
            "node": loss.node,
            "rank": loss.rank,
            "exit_code": loss.exit_code,
            "message": loss.said[:MAX_TEXT],
        }
        if loss
        else {}
    )
    progress = status.progress
    step = progress.step if progress and progress.attempt == status.attempt else None
    return with_last_attempt(status, ended_at=rfc3339(now), cause=cause, step=step, **found)


def with_progress(status: TrainingJobStatus, report: Report | None) -> TrainingJobStatus:
    """The status with what rank 0 last said; reports of another attempt or older than the stored one change nothing."""
    if report is None or not _is_news(status, report):
        return status
    progress = Progress(
        step=report.step,
        total_steps=report.total_steps,
        loss=_finite(report.loss),
        samples_per_second=_finite(report.samples_per_second),
        time=rfc3339(report.received_at),
        attempt=report.attempt,
    )
    return status.model_copy(update={"progress": progress, "last_checkpoint": _checkpoint(status, report)})


def progress_due(status: TrainingJobStatus, report: Report | None, *, interval: float) -> float | None:
    """Unix seconds from which the report may be written for its own sake; None when it says nothing new."""
    if report is None or not _is_news(status, report):
        return None
    last = status.progress.time if status.progress else None
    return seconds(last) + interval if last else 0.0


def _is_news(status: TrainingJobStatus, report: Report) -> bool:
    if report.attempt != status.attempt:
        return False
    last = status.progress.time if status.progress else None
    return last is None or int(report.received_at) > seconds(last)


def _checkpoint(status: TrainingJobStatus, report: Report) -> LastCheckpoint | None:
    told = report.checkpoint
    return LastCheckpoint(step=told.step, uri=told.uri, time=told.time) if told else status.last_checkpoint


def _finite(number: str | None) -> Decimal | None:
    # The CRD knows finite numbers only; the metric of the same name carries the others.
    return None if number is None or number.lstrip("-") in {"nan", "inf"} else number
