"""What becomes of a version: the first, a good one, a bad one, and one that another takes the place of."""

from shipway.kube.resource import HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import GATES, STEPS, World


class TestFirstVersion:
    def test_gets_no_traffic_before_it_is_ready(self):
        world = World()
        world.boot["v1"] = 30.0
        world.run(20)
        assert world.find(HTTP_ROUTE, "ranker") is None
        assert world.ready() == ("False", "PredictorStarting")

    def test_gets_all_traffic_once_it_is_ready_and_says_that_nothing_guarded_it(self):
        world = released()
        assert world.share("v1") == 100
        assert world.condition("Guarded") == ("False", "NoBaseline")
        assert world.status.url == "http://ranker.example.com/v1/models/ranker:predict"

    def test_is_not_taken_back_when_it_is_late_since_there_is_nothing_to_go_back_to(self):
        world = World(rollout={"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 10})
        world.boot["v1"] = 30.0
        world.run(20)
        assert world.state() == "Starting"
        assert "not ready after 10 s" in world.status.summary
        world.until(lambda: world.serves("v1"))

    def test_can_be_replaced_while_it_does_not_start(self):
        world = World()
        world.boot["v1"] = float("inf")
        world.run(5)
        world.change(version="v2")
        world.until(lambda: world.serves("v2"))
        world.run(8)
        assert [name for name in world.services() if "-v1-" in name] == []


class TestGoodVersion:
    def test_walks_every_step_once(self):
        world = released("v2")
        history = world.status.rollout.history
        assert [(record.index, record.weight) for record in history] == [(0, 5), (2, 25), (4, 50), (6, 100)]
        assert all(record.ended_at for record in history)
        assert world.condition("Guarded") == ("True", "Guarded")

    def test_waits_at_every_step_as_long_as_declared(self):
        world = at("v2", 25)
        took = world.until(lambda: world.share("v2") == 50)
        assert 30 <= took <= 32

    def test_clock_of_a_step_starts_when_the_gateway_has_taken_the_weight(self):
        world = at("v2", 5)
        world.until(lambda: world.status.rollout.weights.desired == 5 and world.status.rollout.step_started_at)
        world.gateway_works = False
        world.until(lambda: world.share("v2") == 25, within=20)
        world.run(60)
        assert world.status.rollout.step_started_at is None
        assert world.ready() == ("False", "RouteNotAccepted")
        assert len(world.status.rollout.history) == 1
        world.gateway_works = True
        assert world.until(lambda: world.share("v2") == 50) >= 30

    def test_leaves_the_old_version_in_place_until_the_bake_ends(self):
        world = at("v2", 100)
        world.run(10)
        assert world.state() == "Baking"
        assert world.status.rollback_target.version == "v1"
        assert world.ready_pods(world.service_of("v1"))
        world.until(lambda: world.serves("v2"))
        world.run(8)
        assert len(world.services()) == 1

    def test_is_run_at_the_size_stable_has_before_it_gets_its_weight(self):
        world = released(predictor={"minReplicas": 3, "maxReplicas": 8})
        world.boot["v2"] = 5.0
        world.change(version="v2")
        world.until(lambda: world.share("v2") > 0)
        assert len(world.ready_pods(world.service_of("v2"))) == 3

    def test_costs_nothing_any_more_once_it_is_released(self):
        world = released("v2")
        world.run(10)
        before = world.writes
        world.run(120)
        assert world.writes == before

    def test_status_is_written_at_most_every_two_seconds_within_a_step(self):
        world = at("v2", 25)
        world.run(2)
        before = world.writes
        world.run(20)
        assert world.writes - before <= 12


class TestBadVersion:
    def test_is_taken_back_within_seconds_route_first(self):
        world = at("v3", 25)
        world.run(15)
        world.errors["v3"] = 0.2
        assert world.until(lambda: world.share("v3") == 0) <= 6
        writes = [" ".join(what.split()[:2]) for _, what in world.log]
        first = writes.index("Create Incident")
        assert writes[first - 1 : first + 2] == ["Apply HTTPRoute", "Create Incident", "Status Aborted"]

    def test_that_fails_before_its_first_step_was_begun_was_exposed_all_the_same(self):
        world = at("v3", 5)
        assert world.status.rollout.history == []
        world.errors["v3"] = 1.0
        world.reconcile_gateway()
        for _ in range(40):
            world.tick_without_operator()
        world.until(lambda: world.state() == "Aborted", within=2)
        assert [record.weight for record in world.status.rollout.history] == [5]
        (incident,) = world.incidents()
        assert incident["spec"]["exposedAt"]

    def test_that_is_aborted_before_its_first_step_was_begun_was_exposed_all_the_same(self):
        world = at("v3", 5)
        assert world.status.rollout.history == []
        world.reconcile_gateway()
        world.act("abort", id_="1")
        world.until(lambda: world.state() == "Aborted", within=2)
        (incident,) = world.incidents()
        assert incident["spec"]["exposedAt"]

    def test_leaves_stable_untouched(self):
        world = at("v3", 25)
        stable = world.find(INFERENCE_SERVICE, world.service_of("v1"))
        pods = world.ready_pods(world.service_of("v1"))
        world.errors["v3"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        world.run(10)
        assert world.find(INFERENCE_SERVICE, world.service_of("v1")) == stable
        assert world.ready_pods(world.service_of("v1")) == pods

    def test_is_deleted_only_after_the_route_is_confirmed_and_it_has_drained(self):
        world = at("v3", 25)
        world.errors["v3"] = 0.5
        world.gateway_works = False
        world.until(lambda: world.share("v3") == 0)
        world.run(20)
        assert world.service_of("v3")
        assert world.status.abort.route_confirmed_at is None
        world.gateway_works = True
        took = world.until(lambda: len(world.services()) == 1)
        assert took >= 5

    def test_is_back_on_stable_before_another_one_starts(self):
        world = at("v3", 25)
        world.errors["v3"] = 0.5
        world.gateway_works = False
        world.until(lambda: world.state() == "Aborted")
        world.change(version="v2")
        world.run(10)
        assert world.status.candidate is None
        world.gateway_works = True
        world.until(lambda: world.status.candidate is not None, within=2)

    def test_leaves_an_incident_that_names_owner_gate_and_numbers(self):
        world = at("v3", 25)
        world.errors["v3"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        (incident,) = world.incidents()
        spec = incident["spec"]
        assert spec["exposedAt"] <= spec["detectedAt"]
        assert (spec["owner"], spec["onCall"], spec["severity"]) == ("reco", "reco-pager", "Critical")
        assert (spec["gate"], spec["version"], spec["stableVersion"], spec["weight"]) == ("errors", "v3", "v1", 25)
        assert spec["evidence"][0]["samples"] > 0
        assert "of stable" in spec["summary"]

    def test_is_taken_back_in_the_bake_too(self):
        world = at("v3", 100)
        world.run(5)
        world.errors["v3"] = 0.3
        world.until(lambda: world.share("v1") == 100)
        assert world.status.stable.version == "v1"
        assert world.ready() == ("False", "Quarantined")

    def test_is_taken_back_for_being_slow(self):
        gates = [{"name": "latency", "type": "Latency", "margin": "0.05"}]
        world = at("v3", 25, rollout={"steps": STEPS, "gates": gates})
        world.run(10)
        world.slow["v3"] = 0.4
        world.until(lambda: world.share("v3") == 0, within=15)
        assert world.incidents()[0]["spec"]["gate"] == "latency"

    def test_is_given_up_when_another_deployment_has_taken_it_back(self):
        world = at("v3", 25)
        spec = {
            "type": "Rollback",
            "subject": {"kind": "ServingDeployment", "name": "another"},
            "model": "ranker",
            "version": "v3",
            "digest": world.status.candidate.digest,
            "predictorHash": world.status.candidate.predictor_hash,
            "owner": "reco",
            "gate": "errors",
            "summary": "errors: 9/40",
            "detectedAt": "2027-01-15T08:00:00Z",
        }
        world.put({"kind": "Incident", "metadata": {"name": "another-v3-1"}, "spec": spec})
        world.run(2)
        assert world.share("v3") == 0
        assert world.ready() == ("False", "Quarantined")
        assert len(world.incidents()) == 1

    def test_that_keeps_crashing_under_traffic_is_taken_back(self):
        world = at("v3", 25)
        world.crash_containers("v3", times=3)
        world.until(lambda: world.share("v3") == 0, within=3)
        assert world.status.abort.reason == "NotReady"


class TestAnotherVersion:
    def test_going_back_to_stable_ends_the_release(self):
        world = at("v2", 25)
        world.change(version="v1")
        world.until(lambda: world.serves("v1"), within=2)
        assert world.state() == "Superseded"

    def test_versions_that_come_and_go_within_a_second_are_rollouts_of_their_own(self):
        world = at("v2", 25)
        seen = [world.status.rollout.id]
        for version in ("v3", "v2", "v3", "v2"):
            world.change(version=version)
            world.reconcile()
            seen.append(world.status.rollout.id)
        assert len(set(seen)) == len(seen)

    def test_going_back_in_the_bake_is_immediate(self):
        world = at("v2", 100)
        world.run(3)
        world.change(version="v1")
        world.until(lambda: world.share("v1") == 100, within=1)
        assert world.incidents() == []

    def test_waits_for_the_bake_of_the_one_before(self):
        world = at("v2", 100)
        world.run(3)
        world.change(version="v3")
        world.run(5)
        assert world.state() == "Baking"
        assert "v3 waits for the end of the bake" in world.status.summary
        world.until(lambda: world.serves("v3"), within=200)

    def test_another_predictor_is_another_release_of_the_same_version(self):
        world = released()
        world.change(predictor={"minReplicas": 1, "maxReplicas": 4, "resources": {"limits": {"memory": "2Gi"}}})
        world.until(lambda: world.status.candidate is not None)
        assert world.status.candidate.version == "v1"
        world.until(lambda: world.status.candidate is None)

    def test_another_size_is_no_release(self):
        world = released()
        world.change(predictor={"minReplicas": 2, "maxReplicas": 4})
        world.run(5)
        assert world.state() == "Completed"
        assert len(world.ready_pods(world.service_of("v1"))) == 2


def test_incidents_are_not_owned_and_carry_labels_only():
    world = at("v3", 25)
    world.act("abort", id_="1")
    world.tick()
    meta = world.list(INCIDENT, "team")[0]["metadata"]
    assert "ownerReferences" not in meta
    assert meta["labels"]["shipway.dev/version"] == "v3"
