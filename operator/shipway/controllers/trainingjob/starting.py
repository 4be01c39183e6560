"""What is told of pods that are on their way: which of them are waited for, and how long that needs no word."""

from shipway.api.v1alpha1.trainingjob import Reason, TrainingJobStatus
from shipway.controllers.trainingjob import children
from shipway.controllers.trainingjob.checks import waiting_for
from shipway.controllers.trainingjob.snapshot import Snapshot
from shipway.controllers.trainingjob.status import State
from shipway.controllers.trainingjob.wording import pods_in_words, story

PATIENCE_SECONDS = 10.0
"""How long pods may take to start before the status names those that are waited for: most need less, and no write."""


def starting(s: Snapshot, status: TrainingJobStatus) -> State:
    """Pods are on their way."""
    first = children.pod_name(s.job["metadata"]["name"], status.attempt, 0)
    reason = Reason.RESTARTING if story(status) else Reason.PODS_STARTING
    return State(reason, f"{story(status)}starting {pods_in_words(s.spec)} from {first} on")


def patience(s: Snapshot, waits: State | None) -> float:
    """Seconds for which pods that are merely starting need no further word."""
    if waits is None or waits.reason is Reason.PODS_PENDING:
        return 0.0
    created = max(pod.created_at for pod in s.ranks.values())
    return min(created + PATIENCE_SECONDS - s.now, PATIENCE_SECONDS)


def waits(s: Snapshot) -> State | None:
    """What pods wait for; None when none of them does."""
    hindered, waiting = waiting_for(list(s.ranks.values()))
    if hindered:
        return State(Reason.PODS_PENDING, f"{story(s.stored)}waiting for pods: {waiting}")
    if waiting:
        reason = starting(s, s.stored).reason
        return State(reason, f"{story(s.stored)}starting: {waiting}")
    return None
