"""What people, the cluster and strangers do to a release under way: where it stands then, who answers, what is said.

The edges of the evidence are in test_edges_of_evidence.py.
"""

from collections.abc import Callable
from typing import Any

import pytest

from shipway.controllers.servingdeployment.controller import _by_site
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.neighbours import route_of_another
from unit.controllers.servingdeployment.world import GATES, STEPS, World


def under_way(version: str = "v2") -> World:
    """A world in which a version has had a quarter of the traffic for five seconds."""
    world = at(version, 25)
    world.run(5)
    return world


class TestNewVersionInMidRollout:
    def test_replaces_the_one_being_released_route_first(self):
        world = under_way()
        world.change(version="v3")
        before = len(world.log)
        world.tick()
        first, second = (what for _, what in world.log[before : before + 2])
        assert first == "Apply HTTPRoute ranker"
        assert second.startswith("Status Superseded v2")
        assert (world.state(), world.share("v1"), world.share("v2")) == ("Starting", 100, 0)
        assert "v3 is starting: 0 of 1 replicas ready" in world.status.summary
        assert "v2 is no longer released: v3 is wanted" in [note.message for note in world.notes]

    def test_is_nobodys_fault_and_the_one_before_leaves_nothing_behind(self):
        world = under_way()
        world.change(version="v3")
        world.until(lambda: world.serves("v3"))
        world.run(8)
        assert world.incidents() == []
        assert len(world.services()) == 1


class TestStepsEditedInMidStep:
    SLOWER = [{"setWeight": 10}, {"pause": {"seconds": 5}}, {"setWeight": 40}]  # noqa: RUF012

    def test_go_on_at_the_nearest_weight_below(self):
        world = under_way()
        world.change(rollout={"steps": self.SLOWER, "gates": GATES})
        world.run(1)
        assert (world.state(), world.share("v2")) == ("Stepping", 10)
        assert "v2 at 10 % (step 1/3, 0 s of 5 s)" in world.status.summary
        world.until(lambda: world.share("v2") == 40, within=20)

    def test_that_all_ask_for_more_wait_until_the_gates_agree(self):
        world = at("v2", 5)
        world.run(1)
        world.change(rollout={"steps": [], "gates": GATES})
        world.run(4)
        assert (world.state(), world.share("v2")) == ("Stepping", 5)
        assert "v2 at 5 % (step 1/1, steps edited)" in world.status.summary
        world.until(lambda: world.share("v2") == 100, within=10)

    @pytest.mark.parametrize(
        ("then", "state", "share"),
        [("Pause", "Paused", 5), ("Abort", "Aborted", 0), ("Promote", "Stepping", 50)],
    )
    def test_that_all_ask_for_more_end_as_was_declared_where_no_gate_can_tell(self, then: str, state: str, share: int):
        world = at("v2", 5)
        world.run(1)
        world.rate = 0.0
        rules = {"holdSeconds": 20, "then": then}
        more = [{"setWeight": 50}, {"pause": {"seconds": 60}}]
        world.change(rollout={"steps": more, "gates": GATES, "inconclusive": rules})
        world.run(10)
        assert world.ready() == ("False", "AwaitingEvidence")
        assert "every step now asks for more than 5 % but a gate cannot tell since" in world.status.summary
        assert f"(after 20 s: {then}); errors: " in world.status.summary
        world.run(15)
        assert (world.state(), world.share("v2")) == (state, share)

    def test_that_all_ask_for_more_begin_when_a_person_says_so(self):
        world = at("v2", 5)
        world.run(1)
        world.rate = 0.0
        world.change(rollout={"steps": [{"setWeight": 50}, {"pause": {"seconds": 60}}], "gates": GATES})
        world.run(3)
        world.act("promote", id_="1")
        world.until(lambda: world.share("v2") == 50, within=3)
        assert world.status.rollout.wait_skipped is False


class TestStableDeleted:
    """Its predictor, its ModelVersion, or both."""

    def test_its_predictor_is_put_back_and_the_new_version_answers_meanwhile(self):
        world = under_way()
        name = world.service_of("v1")
        world.boot["v1"] = 5.0
        del world.objects[INFERENCE_SERVICE.kind, name]
        world.run(4)
        assert (world.state(), world.shares()) == ("Stepping", {world.service_of("v2"): 100})
        assert "v2 at 100 % (step 2/4, 8 s of 30 s; v1 has no ready replica: its pods are starting)" in (
            world.status.summary
        )
        world.until(lambda: world.share("v2") == 25, within=10)
        assert world.ready_pods(name)

    def test_without_its_modelversion_it_runs_on_and_can_still_be_gone_back_to(self):
        world = under_way()
        del world.objects["ModelVersion", "ranker-v1"]
        world.run(2)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        world.errors["v2"] = 0.5
        world.until(lambda: world.share("v1") == 100, within=5)
        world.run(1)
        assert world.ready() == ("False", "Quarantined")
        assert "errors: " in world.status.summary
        assert world.status.summary.endswith("Meanwhile v1 answers.")

    def test_without_either_the_new_version_keeps_the_traffic_and_it_is_said_that_there_is_no_way_back(self):
        world = under_way()
        del world.objects["ModelVersion", "ranker-v1"]
        del world.objects[INFERENCE_SERVICE.kind, world.service_of("v1")]
        world.run(2)
        assert "v1 has no ready replica: its InferenceService does not exist yet" in world.status.summary
        world.errors["v2"] = 0.5
        world.run(10)
        assert (world.state(), world.shares()) == ("Stepping", {world.service_of("v2"): 100})
        assert world.condition("Stalled") == ("True", "RollbackBlocked")
        assert "a gate fails, but stable has no ready replica to go back to" in world.status.summary


class TestCandidateNeverReady:
    ROLLOUT = {"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 20}  # noqa: RUF012

    def test_gets_no_traffic_and_says_what_it_waits_for_and_how_long(self):
        world = released(rollout=self.ROLLOUT)
        world.boot["v3"] = float("inf")
        world.change(version="v3")
        world.run(10)
        assert (world.state(), world.shares()) == ("Starting", {world.service_of("v1"): 100})
        assert world.ready() == ("False", "PredictorStarting")
        assert world.status.summary == ("v3 is starting: 0 of 1 replicas ready (at most 20 s): its pods are starting")

    def test_is_taken_back_after_the_deadline_without_quarantine(self):
        world = released(rollout=self.ROLLOUT)
        world.boot["v3"] = float("inf")
        world.change(version="v3")
        assert 20 <= world.until(lambda: world.state() == "Aborted") <= 23
        (incident,) = world.incidents()
        assert incident["spec"]["gate"] == "ProgressDeadlineExceeded"
        assert incident["spec"]["quarantine"] is False
        world.run(5)
        assert world.ready() == ("False", "RolledBack")
        assert world.shares() == {world.service_of("v1"): 100}
        assert "v3 was taken back at" in world.status.summary
        assert "not ready within 20 s: its pods are starting" in world.status.summary


class TestFlappingReadiness:
    def test_traffic_leaves_with_the_last_ready_replica_and_comes_back_with_the_first(self):
        world = under_way()
        world.set_ready("v2", False)
        world.run(1)
        assert (world.state(), world.shares()) == ("Stepping", {world.service_of("v1"): 100})
        assert world.ready() == ("False", "PredictorStarting")
        assert "no ready replica: its pods are starting; others answer" in world.status.summary
        world.set_ready("v2", True)
        world.until(lambda: world.share("v2") == 25, within=5)

    def test_of_the_new_version_takes_it_back_the_third_time(self):
        world = under_way()
        for _ in range(2):
            flap(world, "v2")
            assert (world.state(), world.share("v2")) == ("Stepping", 25)
        world.set_ready("v2", False)
        world.run(1)
        assert (world.state(), world.share("v1")) == ("Aborted", 100)
        assert world.ready() == ("False", "RolledBack")
        assert "it lost its last ready replica 3 times" in world.status.summary

    def test_of_both_is_not_held_against_the_new_version_while_nobody_else_answers(self):
        world = under_way()
        world.set_ready("v1", False)
        world.run(1)
        for _ in range(4):
            world.set_ready("v2", False)
            world.run(1)
            assert world.condition("Serving") == ("False", "NotServing")
            assert world.ready() == ("False", "PredictorStarting")
            assert world.status.summary.endswith(
                "v1 has no ready replica: its pods are starting): no ready replica: its pods are starting; "
                "nobody answers until a replica is ready"
            )
            world.set_ready("v2", True)
            world.run(1)
        assert (world.state(), world.shares()) == ("Stepping", {world.service_of("v2"): 100})
        assert world.ready() == ("False", "Progressing")
        assert world.status.summary.startswith("v2 at 100 % (step 2/4, ")
        assert " of 30 s; v1 has no ready replica: its pods are starting): errors 0/" in world.status.summary
        assert world.incidents() == []

    def test_of_stable_moves_traffic_and_takes_nothing_back(self):
        world = under_way()
        for _ in range(4):
            world.set_ready("v1", False)
            world.run(1)
            assert world.shares() == {world.service_of("v2"): 100}
            assert world.ready() == ("False", "Progressing")
            assert "; v1 has no ready replica: its pods are starting)" in world.status.summary
            flap(world, "v1")
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.condition("Serving") == ("True", "Serving")
        assert "v1 has no ready replica" not in world.status.summary
        assert world.incidents() == []


def flap(world: World, version: str) -> None:
    """A version loses its replicas for a second."""
    world.set_ready(version, False)
    world.run(1)
    world.set_ready(version, True)
    world.run(1)


class TestGatewayGone:
    @pytest.fixture
    def world(self) -> World:
        world = under_way()
        world.gateway_works = False
        world.put({**world.find(HTTP_ROUTE, "ranker"), "status": {"parents": []}})
        world.run(1)
        return world

    def test_it_is_said_and_no_step_begins(self, world: World):
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == world.condition("Serving") == ("False", "RouteNotAccepted")
        assert "no controller has looked at the route yet; does Gateway infra/gw exist?" in world.status.summary
        world.run(120)
        assert [record.weight for record in world.status.rollout.history] == [5, 25]
        world.gateway_works = True
        world.until(lambda: world.serves("v2"))

    def test_a_version_that_turns_bad_is_taken_back_all_the_same(self, world: World):
        world.errors["v2"] = 0.5
        world.until(lambda: world.share("v1") == 100, within=6)
        world.run(10)
        assert (world.state(), world.share("v2")) == ("Aborted", 0)
        assert world.ready() == ("False", "Quarantined")
        assert world.condition("Serving") == ("False", "RouteNotAccepted")
        assert "v2 was taken back at " in world.status.summary
        assert world.status.summary.endswith(
            " Meanwhile v1 should answer, but the route is not accepted: no controller has looked at the route yet; "
            "does Gateway infra/gw exist?"
        )
        assert world.service_of("v2"), "the gateway may still send it requests"
        world.gateway_works = True
        world.run(1)
        assert world.status.summary.endswith(" Meanwhile v1 answers.")

    def test_without_the_gateway_api_nothing_is_written_and_the_release_goes_on_when_it_is_back(self):
        world = under_way()
        world.absent = {HTTP_ROUTE.kind}
        world.run(1)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "IntegrationMissing")
        assert world.status.summary == (
            "Gateway API 1.0 or later (httproutes.gateway.networking.k8s.io; KServe's Knative mode and spec.canary are "
            "no substitute) not installed in this cluster; it is noticed when it is installed. "
            "Meanwhile v1 answers 75 % of the requests and v2 25 %."
        )
        world.run(60)
        assert world.share("v2") == 25
        world.absent = set()
        world.until(lambda: world.serves("v2"))


class TestTwoDeploymentsOnOneHost:
    """The older route answers, by the rule of the Gateway API, wherever it is."""

    WORDS = "ranker.example.com is answered by ServingDeployment elsewhere/another, whose route is older"

    def test_the_younger_says_who_answers_and_keeps_a_first_version_ready_for_when_that_one_is_gone(self):
        world = World()
        older = route_of_another(world)
        world.run(10)
        assert world.share("v1") == 100
        assert world.ready() == world.condition("Serving") == ("False", "HostTaken")
        assert world.condition("Stalled") == ("True", "HostTaken")
        assert world.status.summary == f"{self.WORDS}; name another host, or delete that one"
        assert world.status.url == ""
        del world.objects[HTTP_ROUTE.kind, older["metadata"]["name"]]
        world.run(1)
        assert world.serves("v1")

    def test_no_release_begins_while_another_answers(self):
        world = released()
        route_of_another(world)
        world.change(version="v2")
        world.run(30)
        assert (world.state(), world.shares()) == ("Completed", {world.service_of("v1"): 100})
        assert self.WORDS in world.status.summary
        del world.objects[HTTP_ROUTE.kind, "another"]
        world.until(lambda: world.serves("v2"))

    def test_one_under_way_stays_where_it_is_and_is_not_taken_back(self):
        world = at(
            "v2", 25, rollout={"steps": STEPS, "gates": GATES, "inconclusive": {"holdSeconds": 10, "then": "Abort"}}
        )
        world.run(2)
        route_of_another(world)
        world.rate = 0.0
        world.run(60)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "HostTaken")
        assert self.WORDS in world.status.summary
        assert world.incidents() == []

    @pytest.mark.parametrize(
        "other",
        [{"age": 3600.0}, {"host": "b.example.com"}, {"gateway": "inner"}],
        ids=["a younger route", "another host", "another Gateway"],
    )
    def test_nobody_else_is_in_the_way(self, other: dict[str, Any]):
        world = released()
        route_of_another(world, **other)
        world.run(1)
        assert world.serves("v1")

    def test_whoever_is_in_the_way_wakes_those_behind(self):
        world = released()
        older = route_of_another(world)
        assert [key.name for key in _by_site(older, world)] == ["another", "ranker", "another"]


def delete_route(world: World) -> None:
    del world.objects[HTTP_ROUTE.kind, "ranker"]


def take_all_weights(world: World) -> None:
    route = world.find(HTTP_ROUTE, "ranker")
    for ref in route["spec"]["rules"][0]["backendRefs"]:
        ref["weight"] = 0
    route["metadata"]["generation"] += 1
    world.put(route)


class TestWeightsEditedByAStranger:
    def test_are_put_back_and_said_while_they_hold(self):
        world = under_way()
        route = world.find(HTTP_ROUTE, "ranker")
        route["spec"]["rules"][0]["backendRefs"][0]["weight"] = 1
        route["metadata"]["generation"] += 1
        world.put(route)
        world.tick()
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert "v2 at 96 % (step 2/4" in world.status.summary
        world.tick()
        assert "v2 at 25 % (step 2/4" in world.status.summary
        assert world.ready() == ("False", "Progressing")

    @pytest.mark.parametrize("edit", [take_all_weights, delete_route], ids=["all to nothing", "with the whole route"])
    def test_while_nothing_can_be_read_have_stable_answer_until_it_can(self, edit: Callable[[World], None]):
        world = under_way()
        world.metrics_work = False
        world.run(5)
        edit(world)
        world.run(10)
        assert (world.state(), world.share("v1"), world.share("v2")) == ("Stepping", 100, 0)
        assert world.ready() == ("False", "MetricsUnavailable")
        assert world.condition("Serving") == ("True", "Serving")
        assert world.status.summary.startswith("v2 at 0 % (step 2/4")
        assert world.status.summary.endswith("connection refused; held until the counters can be read again")
        world.metrics_work = True
        world.until(lambda: world.share("v2") == 25, within=5)
        world.until(lambda: world.serves("v2"))
