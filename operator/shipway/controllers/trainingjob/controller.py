"""The edge of the TrainingJob reconciler: gathers the snapshot, keeps the progress board in step, decides nothing."""

from collections.abc import Iterable, Sequence

from shipway.api.v1alpha1.trainingjob import Hang, TrainingJobSpec, TrainingJobStatus
from shipway.controllers.owned import SELECTOR, owner_key
from shipway.controllers.pod import read_pod, trim_pod
from shipway.controllers.pod_shape import PodShape
from shipway.controllers.trainingjob import children
from shipway.controllers.trainingjob.reconcile import reconcile
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME, SliceShape, trim_slice
from shipway.controllers.trainingjob.restored import newest_attempt
from shipway.controllers.trainingjob.snapshot import Snapshot
from shipway.controllers.trainingjob.status import finished
from shipway.integrations.progress import ProgressBoard
from shipway.kube.resource import (
    ENDPOINT_SLICE,
    INCIDENT,
    MODEL,
    MODEL_VERSION,
    POD,
    SERVICE,
    TRAINING_JOB,
    Key,
    Object,
    key_of,
)
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan


def _all_of_the_namespace(service: Object, cache: Cache) -> Iterable[Key]:
    if service["metadata"]["name"] != SERVICE_NAME:
        return
    for job in cache.list(TRAINING_JOB, service["metadata"]["namespace"]):
        yield key_of(job)


def _named(hang: Hang | None, namespace: str, cache: Cache) -> Object | None:
    """The Incident of the hang that the status tells of."""
    return cache.get(INCIDENT, namespace, hang.incident) if hang and hang.incident else None


class TrainingJobController(Controller):
    """Runs training on pods it owns and publishes what comes of it.

    Args:
        workloads_image: Image of jobs that name none.
        progress_url: Base URL under which pods reach the progress API.
        board: Where their reports arrive.
    """

    resource = TRAINING_JOB
    watches: Sequence[Watch] = (
        Watch(POD, owner_key, selector=SELECTOR, trim=trim_pod, shape=PodShape),
        Watch(ENDPOINT_SLICE, owner_key, selector=SELECTOR, trim=trim_slice, shape=SliceShape),
        Watch(SERVICE, _all_of_the_namespace, selector=SELECTOR),
        Watch(MODEL_VERSION, owner_key),
        Watch(INCIDENT, owner_key),
    )

    def __init__(self, *, workloads_image: str, progress_url: str, board: ProgressBoard) -> None:
        self._workloads_image = workloads_image
        self._progress_url = progress_url
        self._board = board

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache and the board know."""
        job = cache.get(TRAINING_JOB, key.namespace, key.name)
        if job is None:
            self._board.forget(key)
            return None
        spec = TrainingJobSpec.model_validate(job["spec"])
        uid = job["metadata"]["uid"]
        version = children.version_name(spec)
        pods = [read_pod(pod) for pod in cache.owned(POD, key)]
        own = tuple(pod for pod in pods if pod.owner == uid)
        stored = TrainingJobStatus.model_validate(job.get("status", {}))
        attempt = max(stored.attempt, newest_attempt(own))
        # Before the signs are read: of a job that nobody listens to yet, nothing would ask for the next look.
        self._listen(key, spec, stored, attempt)
        snapshot = Snapshot(
            job=job,
            spec=spec,
            stored=stored,
            pods=own,
            strangers=frozenset(pod.name for pod in pods if pod.owner != uid),
            orphans=tuple(pod for pod in pods if not pod.owner),
            service=cache.get(SERVICE, key.namespace, SERVICE_NAME),
            meeting=cache.get(ENDPOINT_SLICE, key.namespace, children.pod_name(key.name, attempt, 0)),
            model_version=cache.get(MODEL_VERSION, key.namespace, version) if version else None,
            report=self._board.latest(key),
            signs=self._board.signs(key),
            incident=_named(stored.hang, key.namespace, cache),
            model=cache.get(MODEL, key.namespace, spec.output.model) if spec.output else None,
            now=now,
            workloads_image=self._workloads_image,
            progress_url=self._progress_url,
            status_interval=self._board.status_interval(),
        )
        return reconcile(snapshot)

    def _listen(self, key: Key, spec: TrainingJobSpec, stored: TrainingJobStatus, attempt: int) -> None:
        if finished(stored):
            self._board.forget(key)
            return
        self._board.expect(key, service_account=spec.service_account_name or "default", attempt=attempt)
