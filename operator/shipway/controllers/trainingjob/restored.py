"""The status was lost, or the whole cluster was restored from a backup: what still tells what has been trained."""

from collections.abc import Sequence

from shipway.api import labels
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.pod import Pod
from shipway.controllers.trainingjob.children import spec_hash
from shipway.controllers.trainingjob.writes import LEFTOVER_GRACE_SECONDS, attempt_of
from shipway.kube.resource import POD, Object
from shipway.runtime.plan import Delete, Write


def made_before(job: Object, spec: TrainingJobSpec, version: Object) -> bool:
    """Whether the ModelVersion is what this job has made already, under its present uid or under an earlier one.

    Args:
        job: The TrainingJob.
        spec: Its spec.
        version: The ModelVersion with the name the job would give its own.
    """
    maker = version["spec"].get("lineage", {}).get("trainingJob", {})
    if maker.get("uid") == job["metadata"]["uid"]:
        return True
    made_from = (version["metadata"].get("annotations") or {}).get(labels.SPEC_HASH)
    return maker.get("name") == job["metadata"]["name"] and made_from == spec_hash(spec)


def newest_attempt(pods: Sequence[Pod]) -> int:
    """The newest attempt there are pods of: the one under way, whatever the status says; 0 without pods."""
    return max(map(attempt_of, pods), default=0)


def strays(pods: Sequence[Pod]) -> tuple[Write, ...]:
    """Deletes of pods that bear the job's labels and lost their owner: a backup made them anew, nothing counts them."""
    return tuple(
        Delete(POD, pod.namespace, pod.name, pod.uid, grace_seconds=LEFTOVER_GRACE_SECONDS)
        for pod in pods
        if not pod.deleting
    )
