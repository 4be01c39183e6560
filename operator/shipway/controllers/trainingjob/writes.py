"""Writes that several decisions share: pods to delete, and the rendezvous Service where it must change."""

from collections.abc import Sequence

from shipway.api import labels
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.pod import Pod
from shipway.controllers.trainingjob import children
from shipway.kube.resource import POD, SERVICE, Object
from shipway.runtime.plan import Apply, Create, Delete, Write

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


def meeting_point(job: Object, spec: TrainingJobSpec, service: Object | None, *, attempt: int) -> tuple[Write, ...]:
    """The Service that leads to rank 0 of the attempt, where it does not do so already; none for one node."""
    if spec.nodes == 1:
        return ()
    annotations = service["metadata"].get("annotations", {}) if service else {}
    if annotations.get(labels.SPEC_HASH) == children.rendezvous_hash(job, attempt=attempt):
        return ()
    body = children.rendezvous(job, attempt=attempt)
    # Made like any other child: a stranger's Service of that name is not taken over, and a create is cheaper.
    return (Apply(SERVICE, body),) if service else (Create(SERVICE, body),)


def _is_leftover(pod: Pod, *, keep: int, newest: int) -> bool:
    attempt = int(pod.labels.get(labels.ATTEMPT, "0"))
    return attempt < newest - 1 if pod.finished else attempt != keep
