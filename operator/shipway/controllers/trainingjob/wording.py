"""Parts of sentences that several conditions of a TrainingJob share."""

from shipway.api.v1alpha1.trainingjob import Attempt, Cause, TrainingJobSpec, TrainingJobStatus


def story(status: TrainingJobStatus) -> str:
    """How the attempt before ended, when a lost pod ended it; empty otherwise."""
    before = status.attempts[-2] if len(status.attempts) > 1 else None
    if before is None or before.cause == Cause.SUSPENDED:
        return ""
    return f"{ended(before)} ({before.cause}: pod {before.pod}); "


def ended(attempt: Attempt) -> str:
    """That an attempt ended, and where training was in it."""
    at = f" at step {attempt.step}" if attempt.step is not None else ""
    return f"attempt {attempt.attempt} ended{at}"


def pods_in_words(spec: TrainingJobSpec) -> str:
    """How many pods the job has."""
    return "1 pod" if spec.nodes == 1 else f"{spec.nodes} pods"


def at_step(status: TrainingJobStatus) -> str:
    """Where training is, where that is known."""
    progress = status.progress
    if progress is None:
        return ""
    return f" at step {progress.step}" + (f" of {progress.total_steps}" if progress.total_steps else "")


def from_checkpoint(status: TrainingJobStatus) -> str:
    """What the next attempt resumes from, where that is known."""
    checkpoint = status.last_checkpoint
    return f", from the checkpoint of step {checkpoint.step}" if checkpoint else ""


def too_late(spec: TrainingJobSpec, status: TrainingJobStatus) -> str:
    """That the deadline is over."""
    return (
        f"not finished {spec.active_deadline_seconds} s (spec.activeDeadlineSeconds) after {status.start_time}"
        f"{at_step(status)}; the checkpoints are kept"
    )
