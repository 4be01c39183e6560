"""What is measured: how to make one object of each kind, whose pods are its own, and when it says that it is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shipway.api import labels
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.trainingjob.children import training_pod
from shipway.kube.resource import TRAINING_JOB, Object, Resource

PODS_PER_OBJECT = 2
JOB = Resource("batch", "v1", "jobs", "Job")
JOB_SET = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet")
TRAIN_JOB = Resource("trainer.kubeflow.org", "v1alpha1", "trainjobs", "TrainJob")
RUNTIME = Resource(
    TRAIN_JOB.group, TRAIN_JOB.version, "clustertrainingruntimes", "ClusterTrainingRuntime", namespaced=False
)
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
        needs: What must exist before its objects.
        sizes: How many objects are made where nothing else is asked for: as many as it can carry in minutes.
    """

    name: str
    resource: Resource
    body: Callable[[], dict[str, Any]]
    ready: Callable[[Object], bool]
    pod_label: str
    parts: tuple[str, ...] = ()
    needs: tuple[tuple[Resource, Object], ...] = ()
    sizes: tuple[int, ...] = (200, 1000)

    def make(self, name: str, namespace: str) -> Object:
        """An object of that name."""
        return {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": self.body(),
        }


def _training_job() -> dict[str, Any]:
    return {
        "nodes": PODS_PER_OBJECT,
        "recipe": {"name": "ranker"},
        "storage": {"uri": "s3://models/bench"},
        "resources": {"requests": REQUESTS},
    }


def _pod_spec(container: str) -> dict[str, Any]:
    """The pod of a TrainingJob, for everybody: what is compared is what it costs to make one, not what is in it."""
    job = {
        "apiVersion": TRAINING_JOB.api_version,
        "kind": TRAINING_JOB.kind,
        "metadata": {"name": "trainingjob-00000", "namespace": "tenant-000", "uid": "0" * 36},
    }
    spec = TrainingJobSpec.model_validate(_training_job())
    pod = training_pod(
        job, spec, attempt=1, rank=1, image=IMAGE, progress_url="http://shipway-operator.shipway-system.svc"
    )
    pod["spec"]["containers"][0]["name"] = container
    return dict(pod["spec"])


def _bare_pod_spec() -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "containers": [{"name": "trainer", "image": IMAGE, "resources": {"requests": REQUESTS}}],
    }


def _job_of(pod: dict[str, Any]) -> dict[str, Any]:
    count = PODS_PER_OBJECT
    return {
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": count,
        "backoffLimit": 0,
        "template": {"spec": pod},
    }


def _job() -> dict[str, Any]:
    return _job_of(_pod_spec("trainer"))


def _bare_job() -> dict[str, Any]:
    return _job_of(_bare_pod_spec())


def _job_set() -> dict[str, Any]:
    return {"replicatedJobs": [{"name": "node", "replicas": 1, "template": {"spec": _job()}}]}


def _runtime() -> Object:
    """The runtime `torch-distributed` as shipped, with the same pod as everybody."""
    template = {
        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
        "spec": {"template": {"spec": _pod_spec("node")}},
    }
    return {
        "apiVersion": RUNTIME.api_version,
        "kind": RUNTIME.kind,
        "metadata": {"name": "same-pod", "labels": {"trainer.kubeflow.org/framework": "torch"}},
        "spec": {
            "mlPolicy": {"numNodes": 1, "torch": {"numProcPerNode": "auto"}},
            "template": {"spec": {"replicatedJobs": [{"name": "node", "template": template}]}},
        },
    }


def _train_job() -> dict[str, Any]:
    return {
        "runtimeRef": {"apiGroup": RUNTIME.group, "kind": RUNTIME.kind, "name": "same-pod"},
        "trainer": {"numNodes": PODS_PER_OBJECT, "numProcPerNode": 1},
    }


def _ray_cluster() -> dict[str, Any]:
    worker = {"groupName": "w", "replicas": 1, "minReplicas": 1, "maxReplicas": 1, "rayStartParams": {}}
    return {
        "rayVersion": "2.50.0",
        "headGroupSpec": {"rayStartParams": {}, "template": {"spec": _ray_pod_spec("head")}},
        "workerGroupSpecs": [{**worker, "template": {"spec": _ray_pod_spec("worker")}}],
    }


def _ray_pod_spec(container: str) -> dict[str, Any]:
    # It starts its pods again by itself and refuses another policy.
    return {key: value for key, value in _pod_spec(container).items() if key != "restartPolicy"}


def _condition(obj: Object, kind: str) -> bool:
    conditions = obj.get("status", {}).get("conditions") or ()
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def _all_ready(obj: Object) -> bool:
    return bool(obj.get("status", {}).get("ready") == PODS_PER_OBJECT)


def _one_ready(field: str) -> Callable[[Object], bool]:
    def ready(obj: Object) -> bool:
        return any(entry.get("ready") == 1 for entry in obj.get("status", {}).get(field) or ())

    return ready


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("job", JOB, _job, _all_ready, "job-name", sizes=(200, 1000, 10_000)),
        Subject(
            "trainingjob",
            TRAINING_JOB,
            _training_job,
            lambda obj: _condition(obj, "Ready"),
            labels.NAME,
            sizes=(200, 1000, 10_000),
        ),
        Subject(
            "jobset",
            JOB_SET,
            _job_set,
            _one_ready("replicatedJobsStatus"),
            "jobset.sigs.k8s.io/jobset-name",
            ("jobset",),
            sizes=(200, 1000, 2000),
        ),
        Subject(
            "trainjob",
            TRAIN_JOB,
            _train_job,
            _one_ready("jobsStatus"),
            "jobset.sigs.k8s.io/jobset-name",
            ("trainer", "jobset"),
            ((RUNTIME, _runtime()),),
            (200, 1000, 2000),
        ),
        Subject(
            "raycluster",
            RAY_CLUSTER,
            _ray_cluster,
            lambda obj: obj.get("status", {}).get("state") == "ready",
            "ray.io/cluster",
            ("kuberay",),
        ),
        Subject("bare-job", JOB, _bare_job, _all_ready, "job-name"),
    )
}
