"""What a deployment waits for that is not there, each a condition that says what would help."""

from shipway.kube.resource import MODEL, MODEL_VERSION
from unit.controllers.servingdeployment.world import World


class TestMissingPieces:
    def test_each_is_a_condition_that_says_what_would_help(self):
        world = World()
        del world.objects["Model", "ranker"]
        world.run(1)
        assert world.ready() == ("False", "ModelMissing")

    def test_a_missing_version(self):
        world = World(version="v9")
        world.run(1)
        assert world.ready() == ("False", "VersionMissing")
        assert "ranker-v9" in world.status.summary

    def test_a_version_that_is_not_ready_says_why(self):
        world = World()
        version = world.find(MODEL_VERSION, "ranker-v1")
        version["status"]["conditions"][0] |= {
            "status": "False",
            "reason": "DigestMismatch",
            "message": "abc is not def",
        }
        world.run(1)
        assert world.ready() == ("False", "VersionNotReady")
        assert "abc is not def" in world.status.summary

    def test_an_alias_that_does_not_exist(self):
        world = World(version=None, alias="champion")
        world.run(1)
        assert world.ready() == ("False", "AliasUnresolved")

    def test_an_alias_is_followed(self):
        world = World(version=None, alias="champion")
        model = world.find(MODEL, "ranker")
        model["spec"]["aliases"] = [{"name": "champion", "version": "v1"}]
        world.until(lambda: world.serves("v1"))
        model["spec"]["aliases"] = [{"name": "champion", "version": "v2"}]
        world.until(lambda: world.share("v2") == 5)

    def test_a_cluster_without_kserve(self):
        world = World()
        world.absent = {"InferenceService"}
        world.run(1)
        assert world.ready() == ("False", "IntegrationMissing")
        assert world.services() == {}
        world.absent = set()
        world.until(lambda: world.serves("v1"))

    def test_a_kserve_that_does_nothing_is_told_from_pods_that_start_slowly(self):
        world = World()
        world.kserve_works = False
        world.run(30)
        assert world.ready() == ("False", "PredictorStarting")
        assert "KServe has said nothing of its InferenceService yet" in world.status.summary
        world.kserve_works, world.boot["v1"] = True, 10.0
        world.run(3)
        assert "its pods are starting" in world.status.summary
        world.until(lambda: world.serves("v1"))

    def test_a_version_is_not_blamed_for_a_cluster_that_lost_the_gateway_api_while_it_started(self):
        world = World()
        world.until(lambda: world.serves("v1"))
        world.boot["v2"] = 10.0
        world.change(version="v2", rollout={**world.sdep["spec"]["rollout"], "progressDeadlineSeconds": 20})
        world.run(5)
        world.absent = {"HTTPRoute"}
        world.boot["v2"] = float("inf")
        world.run(60)
        assert (world.state(), world.ready()) == ("Starting", ("False", "IntegrationMissing"))
        world.absent = set()
        world.boot["v2"] = 2.0
        world.until(lambda: world.serves("v2"))
        assert world.incidents() == []

    def test_a_gateway_that_does_not_accept_the_route(self):
        world = World()
        world.gateway_works = False
        world.run(10)
        assert world.ready() == ("False", "RouteNotAccepted")
        assert "does Gateway infra/gw exist" in world.status.summary


def test_a_child_that_is_refused_is_told_in_the_api_servers_words():
    world = World()
    world.refuse = "InferenceService"
    world.run(1)
    assert world.ready() == ("False", "PredictorRefused")
    assert "InferenceService refused by the API server: quota exceeded" in world.status.summary
    world.refuse = ""
    world.until(lambda: world.serves("v1"))
