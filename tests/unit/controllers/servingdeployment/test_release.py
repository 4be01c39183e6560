"""What a release does, told on a small cluster: steps, gates, verbs, quarantine, and what is said about it."""

import pytest

from shipway.kube.resource import HTTP_ROUTE, INCIDENT, INFERENCE_SERVICE, MODEL, MODEL_VERSION
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


class TestRoute:
    """A share is only ever moved to a version the gateway knows, and away from one it still knows."""

    def test_keeps_the_old_version_with_nothing_through_the_bake_and_sends_it_all_in_one_write(self):
        world = at("v3", 100)
        world.run(5)
        old, new = world.service_of("v1"), world.service_of("v3")
        assert (world.state(), world.shares()) == ("Baking", {old: 0, new: 100})
        world.errors["v3"] = 0.3
        before = len(world.route_shares("v3"))
        world.until(lambda: world.share("v1") == 100)
        assert len(world.route_shares("v3")) == before + 1
        assert world.shares() == {old: 100, new: 0}

    def test_keeps_stable_with_nothing_while_a_step_sends_the_new_version_everything(self):
        world = at("v2", 100, rollout={"steps": [{"setWeight": 100}, {"pause": {}}], "gates": GATES})
        world.run(3)
        assert world.state() == "Stepping"
        assert world.shares() == {world.service_of("v1"): 0, world.service_of("v2"): 100}

    def test_forgets_a_version_that_was_taken_back_before_it_is_deleted(self):
        world = at("v3", 25)
        world.act("abort", id_="1")
        world.tick()
        name = world.service_of("v3")
        assert world.shares()[name] == 0
        assert world.until(lambda: name not in world.shares()) >= 5
        world.until(lambda: name not in world.services(), within=1)

    def test_keeps_a_version_that_is_leaving_as_long_as_the_gateway_has_not_taken_the_route(self):
        world = at("v3", 25)
        world.gateway_works = False
        world.act("abort", id_="1")
        world.run(30)
        assert world.shares()[world.service_of("v3")] == 0

    def test_drops_the_old_version_from_the_bake_when_it_has_no_ready_replica_and_takes_it_in_again(self):
        world = at("v2", 100)
        world.run(5)
        world.set_ready("v1", False)
        world.run(1)
        assert world.shares() == {world.service_of("v2"): 100}
        world.set_ready("v1", True)
        world.until(lambda: world.service_of("v1") in world.shares(), within=2)

    def test_makes_stable_known_again_before_it_takes_its_part_back(self):
        world = at("v2", 25)
        stable = world.service_of("v1")
        world.set_ready("v1", False)
        world.run(1)
        world.gateway_works = False
        world.set_ready("v1", True)
        world.run(3)
        assert world.shares()[stable] == 0
        world.gateway_works = True
        world.until(lambda: world.share("v1") == 75, within=2)

    def test_is_not_written_while_nothing_changes(self):
        world = at("v2", 100)
        world.run(5)
        before = len(world.route_shares("v2"))
        world.run(12)
        assert world.state() == "Baking"
        assert len(world.route_shares("v2")) == before


class TestEvidence:
    def test_a_step_is_held_with_the_numbers_until_enough_answers_are_seen(self):
        world = at("v2", 5)
        world.rate = 4.0
        world.run(25)
        assert world.ready() == ("False", "AwaitingEvidence")
        assert "of 20 answers" in world.status.summary
        world.rate = 400.0
        world.until(lambda: world.share("v2") == 25, within=5)

    @pytest.mark.parametrize(("then", "state"), [("Pause", "Paused"), ("Abort", "Aborted")])
    def test_after_the_hold_the_declared_default_is_done(self, then: str, state: str):
        inconclusive = {"holdSeconds": 15, "then": then}
        world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": inconclusive})
        world.rate = 0.0
        took = world.until(lambda: world.state() == state)
        assert 24 <= took <= 28
        assert world.share("v2") == (5 if then == "Pause" else 0)

    def test_after_the_hold_the_declared_default_may_be_to_go_on(self):
        inconclusive = {"holdSeconds": 15, "then": "Promote"}
        world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": inconclusive})
        world.rate = 0.0
        assert 24 <= world.until(lambda: world.share("v2") == 25) <= 28

    def test_without_metrics_nothing_moves_and_nothing_is_taken_back(self):
        inconclusive = {"holdSeconds": 5, "then": "Abort"}
        world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": inconclusive})
        world.metrics_work = False
        world.run(60)
        assert world.ready() == ("False", "MetricsUnavailable")
        assert world.share("v2") == 5
        assert "connection refused" in world.status.summary
        world.metrics_work = True
        world.until(lambda: world.share("v2") == 25, within=15)

    def test_a_version_whose_counters_cannot_be_read_gets_no_traffic_at_all(self):
        world = released()
        world.metrics_work = False
        world.change(version="v2")
        world.run(30)
        assert world.share("v2") == 0
        assert world.ready() == ("False", "MetricsUnavailable")

    def test_counts_of_one_weight_are_not_pooled_with_those_of_another(self):
        world = at("v2", 25)
        world.until(lambda: len(world.status.rollout.history) == 2)
        candidate, stable = world.status.rollout.evidence
        assert (candidate.requests, stable.requests) == (0, 0)

    def test_the_first_step_begins_with_what_stable_answered_while_the_new_version_started(self):
        world = released()
        world.boot["v2"] = 20.0
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 5)
        assert world.board.reading_of().evidence.stable.trials >= 900
        world.run(3)
        candidate, stable = world.status.rollout.evidence
        assert candidate.requests <= 8
        assert stable.requests >= 900

    def test_that_baseline_outlives_the_operator(self):
        world = released()
        world.boot["v2"] = 20.0
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 5)
        world.run(3)
        world.restart_operator()
        world.run(1)
        assert world.board.reading_of().evidence.stable.trials >= 900

    def test_that_baseline_is_one_of_the_last_minutes_however_long_the_new_version_takes(self):
        world = released(rollout={"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 3600})
        world.boot["v2"] = 300.0
        world.errors["v1"] = 0.2
        world.change(version="v2")
        world.run(100)
        world.errors["v1"] = 0.0
        world.until(lambda: world.share("v2") == 5, within=400)
        stable = world.board.reading_of().evidence.stable
        assert stable.hits == 0
        assert 60 * 50 <= stable.trials <= 121 * 50

    def test_at_100_percent_stables_last_counts_are_the_baseline(self):
        world = at("v2", 100)
        world.run(2)
        stable = world.status.rollout.evidence[1]
        assert stable.requests >= 200
        assert world.status.rollout.gates[0].verdict in {"NoEvidenceOfHarm", "Pass"}

    def test_answers_given_while_the_operator_was_down_are_counted(self):
        world = at("v2", 25)
        world.run(10)
        seen = world.status.rollout.evidence[0].requests
        for _ in range(40):
            world.tick_without_operator()
        world.restart_operator()
        world.run(1)
        assert world.board.reading_of().evidence.candidate.trials >= seen + 120

    def test_without_gates_the_release_says_that_nothing_guards_it(self):
        world = released(rollout={"steps": STEPS, "bakeSeconds": 1})
        world.metrics_work = False
        world.release("v2")
        assert world.condition("Guarded") == ("False", "NoGates")


class TestReadiness:
    def test_the_new_version_takes_over_when_stable_dies(self):
        world = at("v2", 25)
        world.set_ready("v1", False)
        world.run(1)
        assert world.share("v2") == 100

    def test_nothing_is_written_when_nobody_is_ready(self):
        world = released()
        world.set_ready("v1", False)
        world.run(1)
        before = world.writes
        world.run(5)
        assert world.writes == before
        assert world.condition("Serving") == ("False", "NotServing")

    def test_a_failing_version_stays_while_there_is_nobody_to_go_back_to(self):
        world = at("v2", 50)
        world.run(3)
        world.errors["v2"] = 0.5
        world.set_ready("v1", False)
        world.run(5)
        assert world.share("v2") == 100
        world.set_ready("v1", True)
        world.until(lambda: world.share("v1") == 100, within=5)


class TestVerbs:
    def test_promote_ends_the_wait_of_the_step_but_not_of_the_next(self):
        world = at("v2", 25)
        world.run(2)
        world.act("promote", id_="1")
        world.until(lambda: world.share("v2") == 50, within=2)
        world.run(8)
        assert world.share("v2") == 50

    def test_a_pause_without_seconds_lasts_until_someone_promotes(self):
        steps = [{"setWeight": 20}, {"pause": {}}]
        world = at("v2", 20, rollout={"steps": steps, "gates": GATES, "bakeSeconds": 1})
        world.run(100)
        assert world.share("v2") == 20
        assert world.ready() == ("False", "AwaitingPromotion")
        world.act("promote", id_="1")
        world.until(lambda: world.share("v2") == 100, within=2)

    def test_paused_time_does_not_count(self):
        world = at("v2", 25)
        world.run(10)
        world.act("pause", id_="1")
        world.run(60)
        assert world.state() == "Paused"
        assert world.share("v2") == 25
        world.act("resume", id_="2")
        assert 18 <= world.until(lambda: world.share("v2") == 50) <= 23

    def test_the_gates_watch_while_it_is_paused(self):
        world = at("v2", 25)
        world.act("pause", id_="1")
        world.run(10)
        world.errors["v2"] = 0.3
        world.until(lambda: world.share("v2") == 0, within=8)

    def test_abort_takes_back_at_once_and_says_who_and_why(self):
        world = at("v2", 25)
        world.act("abort", id_="1", reason="complaints", by="ada")
        world.tick()
        assert world.share("v2") == 0
        (incident,) = world.incidents()
        assert incident["spec"]["gate"] == "abort"
        assert "aborted by ada: complaints" in incident["spec"]["summary"]

    def test_retry_releases_a_held_version_again_and_lifts_the_incident(self):
        world = at("v3", 25)
        world.errors["v3"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        world.run(10)
        world.errors["v3"] = 0.0
        world.act("retry", id_="1", reason="fixed the store")
        world.until(lambda: world.serves("v3"), within=200)
        (incident,) = world.incidents()
        assert incident["status"]["lifted"]["by"] == "ada"
        assert incident["status"]["lifted"]["reason"] == "fixed the store"

    def test_a_version_taken_back_again_leaves_another_incident_and_is_held_again(self):
        world = at("v3", 25)
        world.errors["v3"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        world.act("retry", id_="1")
        world.until(lambda: world.state() == "Stepping")
        world.until(lambda: world.state() == "Aborted")
        world.run(2)
        assert len(world.incidents()) == 2
        assert world.ready() == ("False", "Quarantined")

    def test_an_id_runs_once(self):
        world = at("v2", 25)
        world.act("promote", id_="1")
        world.until(lambda: world.share("v2") == 50, within=2)
        world.run(5)
        assert len(world.status.actions) == 1
        assert world.share("v2") == 50

    def test_an_id_longer_than_its_record_runs_once_too_and_another_of_the_same_beginning_again(self):
        world = at("v2", 25)
        for end in ("a", "b"):
            world.act("explode" * 10, id_="x" * 200 + end)
            world.run(3)
        assert len(world.status.actions) == 2

    @pytest.mark.parametrize(
        ("verb", "id_", "words"),
        [("promote", "", "shipway.dev/action-id"), ("explode", "1", "promote, pause, resume, abort, retry, undo")],
    )
    def test_a_wrong_action_is_refused_once_with_what_would_be_right(self, verb: str, id_: str, words: str):
        world = at("v2", 5)
        world.act(verb, id_=id_)
        world.run(3)
        (record,) = world.status.actions
        assert record.result.startswith("refused")
        assert words in record.result

    @pytest.mark.parametrize("verb", ["promote", "pause", "resume", "abort", "retry", "undo"])
    def test_a_verb_without_anything_to_do_says_so(self, verb: str):
        world = released()
        world.act(verb, id_="1")
        world.run(1)
        assert world.status.actions[0].result.startswith("nothing to")


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


class TestStrangers:
    def test_a_deleted_route_is_put_back(self):
        world = released()
        del world.objects["HTTPRoute", "ranker"]
        world.run(1)
        assert world.share("v1") == 100

    def test_a_deleted_predictor_is_put_back_as_it_was(self):
        world = released("v2")
        name = world.service_of("v2")
        del world.objects["InferenceService", name]
        world.run(5)
        assert world.ready_pods(name)

    def test_a_lost_status_moves_no_weight(self):
        world = released("v2")
        world.run(8)
        sdep = dict(world.sdep)
        del sdep["status"]
        world.put(sdep)
        world.restart_operator()
        before = [what for _, what in world.log if "HTTPRoute" in what]
        world.run(5)
        assert world.serves("v2")
        assert [what for _, what in world.log if "HTTPRoute" in what] == before


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


def test_incidents_are_not_owned_and_carry_labels_only():
    world = at("v3", 25)
    world.act("abort", id_="1")
    world.tick()
    meta = world.list(INCIDENT, "team")[0]["metadata"]
    assert "ownerReferences" not in meta
    assert meta["labels"]["shipway.dev/version"] == "v3"
