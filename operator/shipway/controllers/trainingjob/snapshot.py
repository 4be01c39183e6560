"""What is known of a TrainingJob at the moment of a decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shipway.api.v1alpha1.trainingjob import TrainingJobSpec, TrainingJobStatus
from shipway.controllers.pod import Pod
from shipway.controllers.trainingjob import children
from shipway.integrations.report import Report
from shipway.integrations.signs import Signs
from shipway.kube.resource import Object


@dataclass(frozen=True)
class Snapshot:
    """Everything a decision is made from.

    Attributes:
        job: The TrainingJob.
        spec: Its spec as a model.
        stored: Its status, as it is stored.
        pods: Pods that this very job (by uid) owns.
        strangers: Names of pods that bear our labels but are not this job's: an earlier one's, or nobody's.
        orphans: Those of them that nobody owns.
        service: The rendezvous Service of the namespace, if it is there.
        meeting: The EndpointSlice that leads to rank 0 of the current attempt, if it is there.
        model_version: The ModelVersion with the name the job would give its own, if it is there.
        report: The newest progress report.
        signs: What is known of the life of the attempt whose reports are expected.
        incident: The Incident that the status names, if it is there.
        model: The Model that the job makes a version of, if it is there.
        now: Unix seconds.
        workloads_image: Image of jobs that name none.
        progress_url: Base URL of the operator's progress API.
        status_interval: Seconds between two status writes for the sake of progress alone.
    """

    job: Object
    spec: TrainingJobSpec
    stored: TrainingJobStatus
    pods: tuple[Pod, ...]
    strangers: frozenset[str]
    orphans: tuple[Pod, ...]
    service: Object | None
    meeting: Object | None
    model_version: Object | None
    report: Report | None
    signs: Signs | None
    incident: Object | None
    model: Object | None
    now: float
    workloads_image: str
    progress_url: str
    status_interval: float = 10.0

    @property
    def names(self) -> list[str]:
        """Names of the pods of the current attempt, by rank."""
        name = self.job["metadata"]["name"]
        return [children.pod_name(name, self.stored.attempt, rank) for rank in range(self.spec.nodes)]

    @cached_property
    def ranks(self) -> Mapping[int, Pod]:
        """Pods of the current attempt by rank."""
        by_name = {pod.name: pod for pod in self.pods}
        return {rank: by_name[name] for rank, name in enumerate(self.names) if name in by_name}
