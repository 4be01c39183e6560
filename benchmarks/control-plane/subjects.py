"""What is measured: how to make one object of each kind, whose pods are its own, and when it says that it is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shipway.api import labels
from shipway.kube.resource import TRAINING_JOB, Object, Resource

PODS_PER_OBJECT = 2
JOB = Resource("batch", "v1", "jobs", "Job")
JOB_SET = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet")
TRAIN_JOB = Resource("trainer.kubeflow.org", "v1alpha1", "trainjobs", "TrainJob")
RAY_CLUSTER = Resource("ray.io", "v1", "rayclusters", "RayCluster")
IMAGE = "ghcr.io/shipway-ml/workloads:0.1.0"
REQUESTS = {"cpu": "100m", "memory": "128Mi"}


@dataclass(frozen=True)
class Subject:
    """One kind under test.

    Attributes:
        name: As on the command line and in the results.
        resource: Where its objects are.
        body: Makes the spec of an object.
        ready: Whether an object reports that all of its pods run.
        pod_labels: Label of its pods that holds the object's name.
        parts: Parts of the lab that exist for it alone; their processor time is its operators' time.
    """

    name: str
    resource: Resource
    body: Callable[[], dict[str, Any]]
    ready: Callable[[Object], bool]
    pod_label: str
    parts: tuple[str, ...] = ()

    def make(self, name: str, namespace: str) -> Object:
        """An object of that name."""
        return {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": self.body(),
        }


def _container(name: str) -> dict[str, Any]:
    return {"name": name, "image": IMAGE, "resources": {"requests": REQUESTS}}


def _training_job() -> dict[str, Any]:
    return {
        "nodes": PODS_PER_OBJECT,
        "recipe": {"name": "ranker"},
        "storage": {"uri": "s3://models/bench"},
        "resources": {"requests": REQUESTS},
    }


def _job() -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [_container("trainer")]}
    count = PODS_PER_OBJECT
    return {
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": count,
        "backoffLimit": 0,
        "template": {"spec": pod},
    }


def _job_set() -> dict[str, Any]:
    return {"replicatedJobs": [{"name": "node", "replicas": 1, "template": {"spec": _job()}}]}


def _train_job() -> dict[str, Any]:
    runtime = {"apiGroup": TRAIN_JOB.group, "kind": "ClusterTrainingRuntime", "name": "torch-distributed"}
    return {
        "runtimeRef": runtime,
        "trainer": {
            "numNodes": PODS_PER_OBJECT,
            "numProcPerNode": 1,
            "image": IMAGE,
            "command": ["torchrun", "train.py"],
            "resourcesPerNode": {"requests": REQUESTS},
        },
    }


def _ray_cluster() -> dict[str, Any]:
    worker = {"groupName": "w", "replicas": 1, "minReplicas": 1, "maxReplicas": 1, "rayStartParams": {}}
    return {
        "rayVersion": "2.50.0",
        "headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": [_container("head")]}}},
        "workerGroupSpecs": [{**worker, "template": {"spec": {"containers": [_container("worker")]}}}],
    }


def _condition(obj: Object, kind: str) -> bool:
    conditions = obj.get("status", {}).get("conditions") or ()
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def _one_ready(field: str) -> Callable[[Object], bool]:
    def ready(obj: Object) -> bool:
        return any(entry.get("ready") == 1 for entry in obj.get("status", {}).get(field) or ())

    return ready


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("job", JOB, _job, lambda obj: obj.get("status", {}).get("ready") == PODS_PER_OBJECT, "job-name"),
        Subject("trainingjob", TRAINING_JOB, _training_job, lambda obj: _condition(obj, "Ready"), labels.NAME),
        Subject(
            "jobset",
            JOB_SET,
            _job_set,
            _one_ready("replicatedJobsStatus"),
            "jobset.sigs.k8s.io/jobset-name",
            ("jobset",),
        ),
        Subject(
            "trainjob",
            TRAIN_JOB,
            _train_job,
            _one_ready("jobsStatus"),
            "jobset.sigs.k8s.io/jobset-name",
            ("trainer", "jobset"),
        ),
        Subject(
            "raycluster",
            RAY_CLUSTER,
            _ray_cluster,
            lambda obj: obj.get("status", {}).get("state") == "ready",
            "ray.io/cluster",
            ("kuberay",),
        ),
    )
}
