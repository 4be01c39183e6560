"""Deletes that several decisions share: pods that nothing needs any more."""

from collections.abc import Sequence

from shipway.api import labels
from shipway.controllers.pod import Pod
from shipway.kube.resource import POD
from shipway.runtime.plan import Delete, Write

LEFTOVER_GRACE_SECONDS = 2
"""Grace of pods whose attempt is over: nothing they still do counts, checkpoints are fenced by attempt."""


def leftovers(
    pods: Sequence[Pod], *, newest: int, keep: int = 0, grace_seconds: int | None = LEFTOVER_GRACE_SECONDS
) -> tuple[Write, ...]:
    """Deletes of what need not be there any more: whatever runs outside the attempt `keep`, and old finished pods.

    Finished pods of the two newest attempts stay: they hold nothing but their logs, which people look for.
    """
    return tuple(
        Delete(POD, pod.namespace, pod.name, pod.uid, grace_seconds=grace_seconds)
        for pod in pods
        if not pod.deleting and _is_leftover(pod, keep=keep, newest=newest)
    )


def _is_leftover(pod: Pod, *, keep: int, newest: int) -> bool:
    attempt = attempt_of(pod)
    return attempt < newest - 1 if pod.finished else attempt != keep


def attempt_of(pod: Pod) -> int:
    """The attempt a pod belongs to."""
    return int(pod.labels.get(labels.ATTEMPT, "0"))
