"""A KServe that runs versions as no route can serve: said, with what would help, and nobody's traffic is touched."""

import copy

from shipway.kube.resource import INFERENCE_SERVICE
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import World


def in_knative_mode(**spec: object) -> World:
    """A world in which v1 serves, and KServe runs in Knative mode what is made from now on."""
    world = released(**spec)
    world.default_mode = "Knative"
    return world


def write_canary(world: World, version: str) -> None:
    """A stranger has KServe itself split the traffic."""
    service = copy.deepcopy(world.services()[world.service_of(version)])
    service["spec"]["canary"] = [{"trafficPercent": 10, "predictor": {}}]
    world.put(service)


def take_canary_out(world: World, version: str) -> None:
    service = copy.deepcopy(world.services()[world.service_of(version)])
    del service["spec"]["canary"]
    world.put(service)


def remove(world: World, version: str) -> None:
    """The user deletes the InferenceService, as the message says."""
    del world.objects[INFERENCE_SERVICE.kind, world.service_of(version)]


class TestKnativeMode:
    def test_a_first_version_gets_no_route_until_kserve_runs_it_otherwise(self):
        world = World()
        world.default_mode = "Serverless"
        world.run(60)
        assert world.ready() == ("False", "IntegrationUnsupported")
        assert (world.state(), world.shares()) == ("Starting", {})
        assert world.status.summary == (
            f"v1 is starting: KServe runs InferenceService {world.service_of('v1')} in Serverless mode, whose traffic "
            "an HTTPRoute cannot share out; install KServe 0.20 or later, and let nobody change the annotation "
            "serving.kserve.io/deploymentMode: Standard; then delete that InferenceService, and it is made again"
            "; not guarded: v1 is a first version, with nothing to compare it with"
        )
        world.default_mode = "Standard"
        remove(world, "v1")
        world.until(lambda: world.serves("v1"))

    def test_a_new_version_gets_no_traffic_is_not_blamed_however_long_it_lasts_and_goes_on_when_it_is_mended(self):
        world = in_knative_mode()
        deadline = 20
        world.change(version="v2", rollout={**world.sdep["spec"]["rollout"], "progressDeadlineSeconds": deadline})
        world.run(5 * deadline)
        assert (world.state(), world.route_shares("v2")) == ("Starting", [0] * len(world.route_shares("v2")))
        assert world.ready() == ("False", "IntegrationUnsupported")
        assert world.condition("Serving") == ("True", "Serving")
        assert world.share("v1") == 100
        assert world.incidents() == []
        world.default_mode = "Standard"
        remove(world, "v2")
        world.until(lambda: world.serves("v2"))

    def test_it_is_not_blamed_either_where_its_pods_never_come(self):
        world = in_knative_mode()
        world.boot["v2"] = float("inf")
        world.change(version="v2", rollout={**world.sdep["spec"]["rollout"], "progressDeadlineSeconds": 20})
        world.run(100)
        assert (world.state(), world.ready()) == ("Starting", ("False", "IntegrationUnsupported"))
        world.default_mode = "Standard"
        remove(world, "v2")
        world.run(15)
        assert world.ready() == ("False", "PredictorStarting")
        assert "0 of 1 replicas ready (at most 20 s)" in world.status.summary
        world.until(lambda: world.state() == "Aborted", within=10)

    def test_a_spec_that_wants_stable_again_ends_it(self):
        world = in_knative_mode()
        world.change(version="v2")
        world.until(lambda: world.ready() == ("False", "IntegrationUnsupported"))
        world.change(version="v1")
        world.until(lambda: world.serves("v1"))
        world.until(lambda: len(world.services()) == 1)

    def test_an_undo_goes_nowhere_and_says_why(self):
        world = released("v2")
        world.until(lambda: len(world.services()) == 1)
        world.default_mode = "Knative"
        world.act("undo", id_="1")
        world.run(30)
        assert world.ready() == ("False", "IntegrationUnsupported")
        assert (world.share("v2"), world.share("v1")) == (100, 0)


class TestCanaryOfKServe:
    WORDS = "has spec.canary, so KServe would share out its traffic beside the HTTPRoute; take the field out"

    def test_a_release_stays_at_its_weight_and_goes_on_when_it_is_taken_out(self):
        world = at("v2", 5)
        write_canary(world, "v2")
        world.run(60)
        assert world.ready() == ("False", "IntegrationUnsupported")
        assert f"InferenceService {world.service_of('v2')} {self.WORDS}" in world.status.summary
        assert (world.share("v1"), world.share("v2")) == (95, 5)
        take_canary_out(world, "v2")
        world.until(lambda: world.serves("v2"))

    def test_a_version_that_fails_is_taken_back_all_the_same(self):
        world = at("v2", 5)
        write_canary(world, "v2")
        world.errors["v2"] = 0.5
        world.until(lambda: world.share("v1") == 100, within=20)
        assert world.state() == "Aborted"

    def test_nothing_is_released_beside_a_stable_version_that_has_it(self):
        world = released()
        write_canary(world, "v1")
        world.change(version="v2")
        world.run(10)
        assert world.ready() == ("False", "IntegrationUnsupported")
        assert world.status.summary.endswith(f"{self.WORDS}. Meanwhile v1 answers.")
        assert (world.share("v1"), len(world.services())) == (100, 1)
        take_canary_out(world, "v1")
        world.until(lambda: world.serves("v2"))

    def test_edited_steps_are_no_way_round_it(self):
        world = at("v2", 5)
        write_canary(world, "v2")
        world.run(1)
        steps = [{"setWeight": 50}, {"pause": {"seconds": 10}}]
        world.change(rollout={**world.sdep["spec"]["rollout"], "steps": steps})
        world.run(30)
        assert world.share("v2") == 5
