"""Every subject makes objects that are what the others are compared with, and that find what they need."""

import pytest
from queueing import CLUSTER_QUEUE, IN_QUEUE, LOCAL_QUEUE
from subjects import SUBJECTS

from shipway.api.schema import ApiModel
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import ServingDeploymentSpec
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.kube.resource import MODEL, MODEL_VERSION

NAMESPACE = "tenant-001"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trainingjob", TrainingJobSpec),
        ("modelversion", ModelVersionSpec),
        ("servingdeployment", ServingDeploymentSpec),
    ],
)
def test_our_kinds_are_made_as_their_models_say(name: str, kind: type[ApiModel]) -> None:
    kind.model_validate(SUBJECTS[name].make(f"{name}-00012", NAMESPACE)["spec"])


def test_a_queued_job_is_the_floor_and_a_label() -> None:
    floor, queued = (SUBJECTS[name].make("same", NAMESPACE) for name in ("job", "kueue-job"))
    assert queued["metadata"].pop("labels") == IN_QUEUE
    assert queued == floor


def test_a_queued_job_finds_a_queue_of_its_namespace_with_quota_for_all_its_pods_ask_for() -> None:
    needs = {need.resource: need for need in SUBJECTS["kueue-job"].needs("any", NAMESPACE)}
    local, cluster = needs[LOCAL_QUEUE].body, needs[CLUSTER_QUEUE].body
    assert local["metadata"] == {"name": IN_QUEUE["kueue.x-k8s.io/queue-name"], "namespace": NAMESPACE}
    assert local["spec"]["clusterQueue"] == cluster["metadata"]["name"]
    (group,) = cluster["spec"]["resourceGroups"]
    pod = SUBJECTS["kueue-job"].make("any", NAMESPACE)["spec"]["template"]["spec"]
    asked = {resource for container in pod["containers"] for resource in container["resources"]["requests"]}
    assert asked == set(group["coveredResources"])


def test_a_version_is_named_after_its_model_which_is_there_before_it() -> None:
    subject = SUBJECTS["modelversion"]
    version = subject.make("modelversion-00012", NAMESPACE)
    (model,) = subject.needs("modelversion-00012", NAMESPACE)
    assert version["metadata"]["name"] == f"{version['spec']['modelName']}-{version['spec']['version']}"
    assert model.body["metadata"] == {"name": version["spec"]["modelName"], "namespace": NAMESPACE}


def test_a_deployment_finds_a_verified_version_of_a_model_that_nobody_else_serves() -> None:
    subject = SUBJECTS["servingdeployment"]
    deployment = subject.make("servingdeployment-00012", NAMESPACE)["spec"]
    needs = {need.resource: need for need in subject.needs("servingdeployment-00012", NAMESPACE)}
    version = needs[MODEL_VERSION]
    assert needs[MODEL].body["metadata"]["name"] == deployment["model"] == "servingdeployment-00012"
    assert (version.body["spec"]["modelName"], version.body["spec"]["version"]) == (
        deployment["model"],
        deployment["version"],
    )
    assert version.condition == "Ready"
