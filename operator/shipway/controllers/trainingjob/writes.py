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
_DECISIVE = ("selector", "publishNotReadyAddresses")
"""Fields of the Service that decide who is found through it."""


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
    body = children.rendezvous(job, attempt=attempt)
    if service is not None and _leads_there(service, body):
        return ()
    # Made like any other child: a stranger's Service of that name is not taken over, and a create is cheaper.
    return (Apply(SERVICE, body),) if service else (Create(SERVICE, body),)


def _leads_there(service: Object, wanted: Object) -> bool:
    # The hash tells what it was made from; a stranger may have turned it elsewhere since.
    made_from = (service["metadata"].get("annotations") or {}).get(labels.SPEC_HASH)
    same_hash = made_from == wanted["metadata"]["annotations"][labels.SPEC_HASH]
    return same_hash and all(service["spec"].get(field) == wanted["spec"][field] for field in _DECISIVE)


def _is_leftover(pod: Pod, *, keep: int, newest: int) -> bool:
    attempt = int(pod.labels.get(labels.ATTEMPT, "0"))
    return attempt < newest - 1 if pod.finished else attempt != keep
