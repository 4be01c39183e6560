"""Those who are played answer once to what asks for an answer, and in a way that our operator takes for theirs."""

from typing import Any, cast

import pytest
from players import GATEWAY, KSERVE, VERIFIER, Player

from harness.builders import DIGEST, model_version, serving_deployment
from shipway.api.v1alpha1.modelversion import ModelVersionSpec
from shipway.api.v1alpha1.servingdeployment import GatewayRef, ServingDeploymentSpec
from shipway.controllers.modelversion.checks import Measured, outcome
from shipway.controllers.modelversion.children import verify_pod
from shipway.controllers.pod import read_pod
from shipway.controllers.servingdeployment.checks import reference
from shipway.controllers.servingdeployment.children import inference_service, route
from shipway.integrations import gateway, kserve
from shipway.kube.client import Client
from shipway.kube.resource import Object, Resource

STARTER, REPORTER = KSERVE
META = {"uid": "u", "generation": 1, "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
READY = {"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}]}
VERSION = model_version(namespace="tenant")
DEPLOYMENT = serving_deployment(
    namespace="tenant", model="ranker", version="v1", host="r.example.com", gateway={"name": "gateway"}
)


class Recorder:
    """A client that notes what is written."""

    def __init__(self) -> None:
        self.created: Object = {}
        self.status: Object = {}
        self.name = ""

    async def create(self, _: Resource, body: Object) -> None:
        self.created = body

    async def merge_patch_status(self, _: Resource, __: str, name: str, status: Object) -> None:
        self.name, self.status = name, status


async def after(player: Player, obj: Object) -> Recorder:
    recorder = Recorder()
    answer = player.answer(cast("Client", recorder), obj)
    assert answer is not None
    await answer
    return recorder


def silent(player: Player, obj: Object) -> bool:
    return player.answer(cast("Client", Recorder()), obj) is None


def stored(body: Object, status: Any = None) -> Object:
    return {**body, "metadata": {**body["metadata"], **META}, "status": status or {}}


def service(status: Any = None) -> Object:
    spec = ServingDeploymentSpec.model_validate(DEPLOYMENT["spec"])
    ref = reference(DEPLOYMENT, spec, ModelVersionSpec.model_validate(VERSION["spec"]))
    return stored(inference_service(stored(DEPLOYMENT), spec, ref, VERSION), status)


def http_route(status: Any = None, *, generation: int = 1) -> Object:
    made = stored(
        route(stored(DEPLOYMENT), ServingDeploymentSpec.model_validate(DEPLOYMENT["spec"]), {"ranker-v1": 100}), status
    )
    made["metadata"]["generation"] = generation
    return made


def verifying(status: Any = None) -> Object:
    made = verify_pod(stored(VERSION), ModelVersionSpec.model_validate(VERSION["spec"]), image="image")
    return stored(made, status)


async def test_kserve_makes_one_pod_that_bears_the_labels_of_its_service() -> None:
    made = service()
    pod = (await after(STARTER, made)).created
    assert made["metadata"]["labels"].items() <= pod["metadata"]["labels"].items()
    assert pod["metadata"]["labels"][kserve.POD_LABEL] == made["metadata"]["name"]
    assert pod["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]


async def test_kserve_reports_once_the_pod_is_ready_and_makes_no_second_one() -> None:
    made = service()
    pod = stored((await after(STARTER, made)).created, READY)
    told = await after(REPORTER, pod)
    assert told.name == made["metadata"]["name"]
    reported = service(told.status)
    assert kserve.predictor_ready(reported)
    assert silent(STARTER, reported)
    assert silent(REPORTER, {**pod, "status": {"phase": "Pending"}})


async def test_the_gateway_accepts_each_generation_of_a_route_once() -> None:
    (player,) = GATEWAY
    told = (await after(player, http_route())).status
    ref = GatewayRef(name="gateway")
    assert gateway.view(http_route(told), ref).accepted
    assert silent(player, http_route(told))
    again = (await after(player, http_route(told, generation=2))).status
    assert gateway.view(http_route(again, generation=2), ref).accepted


@pytest.mark.parametrize("phase", ["Pending", "Succeeded"])
def test_a_verify_pod_that_does_not_run_is_left_alone(phase: str) -> None:
    (player,) = VERIFIER
    assert silent(player, verifying({"phase": phase}))


async def test_a_running_verify_pod_ends_with_the_digest() -> None:
    (player,) = VERIFIER
    told = (await after(player, verifying(READY))).status
    found = outcome(read_pod(verifying(told)))
    assert isinstance(found, Measured)
    assert found.digest == DIGEST
