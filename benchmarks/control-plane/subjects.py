"""What is measured: every kind by name, and how those that train are made."""

from collections.abc import Callable
from typing import Any

from queueing import IN_QUEUE, WORKLOAD, queues
from serving import MODEL_VERSIONS, SERVING_DEPLOYMENTS
from subject import PODS, Need, Subject, is_ready, same

from shipway.api import labels
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.trainingjob.children import training_pod
from shipway.kube.resource import TRAINING_JOB, Object, Resource

JOB = Resource("batch", "v1", "jobs", "Job")
JOB_SET = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet")
TRAIN_JOB = Resource("trainer.kubeflow.org", "v1alpha1", "trainjobs", "TrainJob")
RUNTIME = Resource(
    TRAIN_JOB.group, TRAIN_JOB.version, "clustertrainingruntimes", "ClusterTrainingRuntime", namespaced=False
)
RAY_CLUSTER = Resource("ray.io", "v1", "rayclusters", "RayCluster")
IMAGE = "ghcr.io/shipway-ml/workloads:0.1.0"
REQUESTS = {"cpu": "100m", "memory": "128Mi"}


def _training_job() -> dict[str, Any]:
    return {
        "nodes": PODS,
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
    count = PODS
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
        "trainer": {"numNodes": PODS, "numProcPerNode": 1},
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


def _all_ready(obj: Object) -> bool:
    return bool(obj.get("status", {}).get("ready") == PODS)


def _one_ready(field: str) -> Callable[[Object], bool]:
    def ready(obj: Object) -> bool:
        return any(entry.get("ready") == 1 for entry in obj.get("status", {}).get(field) or ())

    return ready


_SAME_RUNTIME = (Need(RUNTIME, _runtime()),)

SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("job", JOB, same(_job), _all_ready, "job-name", sizes=(200, 1000, 10_000)),
        Subject(
            "trainingjob",
            TRAINING_JOB,
            same(_training_job),
            is_ready,
            labels.NAME,
            ours=True,
            sizes=(200, 1000, 10_000),
        ),
        Subject(
            "jobset",
            JOB_SET,
            same(_job_set),
            _one_ready("replicatedJobsStatus"),
            "jobset.sigs.k8s.io/jobset-name",
            parts=("jobset",),
            sizes=(200, 1000, 2000),
        ),
        Subject(
            "trainjob",
            TRAIN_JOB,
            same(_train_job),
            _one_ready("jobsStatus"),
            "jobset.sigs.k8s.io/jobset-name",
            parts=("trainer", "jobset"),
            needs=lambda *_: _SAME_RUNTIME,
            sizes=(200, 1000, 2000),
        ),
        Subject(
            "raycluster",
            RAY_CLUSTER,
            same(_ray_cluster),
            lambda obj: obj.get("status", {}).get("state") == "ready",
            "ray.io/cluster",
            parts=("kuberay",),
        ),
        Subject(
            "kueue-job",
            JOB,
            same(_job),
            _all_ready,
            "job-name",
            # Awaited at the end as well: it is found by the Job's name, so one left behind would admit the next Job.
            children=(WORKLOAD,),
            labels=IN_QUEUE,
            parts=("kueue",),
            needs=queues,
        ),
        Subject("bare-job", JOB, same(_bare_job), _all_ready, "job-name"),
        MODEL_VERSIONS,
        SERVING_DEPLOYMENTS,
    )
}
