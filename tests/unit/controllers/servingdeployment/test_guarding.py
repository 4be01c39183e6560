"""What a release knows when it decides: the answers of a step, of stable before it, and what it does without."""

import pytest

from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import GATES, STEPS


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

    def test_a_bake_in_which_no_gate_can_tell_is_not_paused_and_says_that_a_person_decides(self):
        world = at("v2", 50)
        world.until(lambda: world.state() == "Baking", within=200)
        world.rate = 0.0
        world.until(lambda: world.ready()[1] == "AwaitingEvidence", within=60)
        assert "the bake is over but a gate cannot tell since" in world.status.summary
        assert "(`shipway promote` or `abort` decides)" in world.status.summary
        world.run(400)
        assert (world.state(), world.share("v2")) == ("Baking", 100)

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

    def test_where_answers_are_rare_it_may_be_older_than_minutes(self):
        world = released(rollout={"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 3600})
        world.rate = 5.0
        world.boot["v2"] = 300.0
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 5, within=400)
        assert world.board.reading_of().evidence.stable.trials >= 300 * 4.5

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
        world = released(rollout={"steps": STEPS, "gates": [], "bakeSeconds": 1})
        world.metrics_work = False
        world.release("v2")
        assert world.condition("Guarded") == ("False", "NoGates")
