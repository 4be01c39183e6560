"""No weight without the replicas for it: a step that is over waits for them in words, so long, and blames nobody."""

from typing import Any

from shipway.api.conditions import seconds
from unit.controllers.servingdeployment.beginnings import released
from unit.controllers.servingdeployment.test_freeze import once
from unit.controllers.servingdeployment.test_mirror import only_incident
from unit.controllers.servingdeployment.world import GATES, STEPS, World

FOUR = {"minReplicas": 4, "maxReplicas": 4}
QUARTERS: list[dict[str, Any]] = [
    {"setWeight": 25},
    {"pause": {"seconds": 10}},
    {"setWeight": 50},
    {"pause": {"seconds": 10}},
]
UNPLACED = "0/3 nodes are available: 3 Insufficient cpu."


def rollout(**more: Any) -> dict[str, Any]:
    return {"steps": QUARTERS, "gates": GATES, "bakeSeconds": 5, "progressDeadlineSeconds": 60} | more


def begun(room: int = 1, **more: Any) -> World:
    """A world in which v2 has just got a quarter of the traffic, and the nodes have room for so many of its four."""
    world = released(predictor=FOUR, rollout=rollout(**more))
    world.room["v2"] = room
    world.change(version="v2")
    world.until(lambda: world.share("v2") == 25)
    return world


def short(**more: Any) -> World:
    """A world in which the first step is over and one of the two replicas for the second is missing."""
    world = begun(**more)
    world.until(lambda: world.status.rollout.lacking_since is not None)
    return world


def waited(world: World) -> float:
    """Seconds for which replicas have been missing."""
    return world.now - seconds(world.status.rollout.lacking_since)


class TestNextStepWithoutReplicas:
    def test_keeps_its_weight_and_says_how_many_of_how_many_are_ready_and_what_keeps_the_others(self):
        world = short()
        world.run(10)
        limit = f"(since {world.status.rollout.lacking_since}, at most 60 s)"
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "PredictorStarting")
        assert world.status.summary.startswith(
            f"v2 at 25 % (step 1/3, 10 s of 10 s): 1 of 2 replicas for 50 % are ready {limit}: pod "
        )
        assert world.status.summary.endswith(UNPLACED)

    def test_does_not_begin_to_wait_before_the_step_is_over(self):
        world = begun()
        world.run(9)
        assert world.status.rollout.lacking_since is None
        assert world.ready() == ("False", "Progressing")

    def test_goes_on_as_soon_as_there_is_room_and_waits_anew_for_the_one_after_it(self):
        world = short()
        world.run(40)
        world.room["v2"] = 2
        assert world.until(lambda: world.share("v2") == 50) <= 5
        assert world.status.rollout.lacking_since is None
        world.run(15)
        assert (world.state(), world.share("v2")) == ("Stepping", 50)
        assert "2 of 4 replicas for 100 % are ready" in world.status.summary
        assert waited(world) < 10
        world.room["v2"] = 4
        world.until(lambda: world.serves("v2"))
        assert world.incidents() == []

    def test_that_a_person_promotes_waits_with_the_same_words_and_the_verb_says_so(self):
        world = begun()
        world.run(2)
        world.act("promote", id_="1")
        world.run(5)
        assert world.status.actions[-1].result == (
            "the step ends as soon as there are the replicas: 1 of 2 replicas for 50 % are ready"
        )
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "PredictorStarting")
        assert "1 of 2 replicas for 50 % are ready" in world.status.summary
        world.room["v2"] = 2
        assert world.until(lambda: world.share("v2") == 50) <= 5

    def test_of_edited_steps_is_waited_for_with_the_same_words(self):
        world = begun()
        world.run(5)
        world.change(rollout=rollout(steps=[{"setWeight": 60}]))
        world.run(5)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert "(step 1/2, steps edited): 1 of 3 replicas for 60 % are ready" in world.status.summary
        world.room["v2"] = 3
        assert world.until(lambda: world.share("v2") == 60) <= 5

    def test_may_lack_a_replica_of_the_twin(self):
        world = begun(room=4, compareWith="Twin")
        world.room["v1"] = 1
        world.until(lambda: world.status.rollout.lacking_since is not None)
        assert "1 of 2 replicas of the twin of v1 for 50 % are ready" in world.status.summary


class TestDeadline:
    def test_takes_the_version_back_without_a_quarantine_and_with_the_numbers(self):
        world = short()
        world.until(lambda: world.state() == "Aborted")
        assert world.share("v2") == 0
        incident = only_incident(world)
        assert incident["gate"] == "ProgressDeadlineExceeded"
        assert incident["quarantine"] is False
        assert incident["summary"].startswith("only 1 of 2 replicas for 50 % ready within 60 s: pod ")
        assert incident["summary"].endswith(UNPLACED)
        world.run(5)
        assert world.ready() == ("False", "RolledBack")
        assert "only 1 of 2 replicas for 50 % ready within 60 s" in world.status.summary
        assert max(world.route_shares("v2")) == 25

    def test_comes_after_as_many_seconds_as_declared_whenever_the_operator_was_restarted(self):
        world = short()
        for _ in range(5):
            world.run(10)
            world.restart_operator()
        began = world.status.rollout.lacking_since
        world.until(lambda: world.state() == "Aborted")
        assert 60 <= world.now - seconds(began) <= 62

    def test_lets_retry_release_the_version_once_there_is_room(self):
        world = short()
        world.until(lambda: world.state() == "Aborted")
        world.room["v2"] = 4
        world.act("retry", id_="1", reason="nodes were added")
        world.until(lambda: world.serves("v2"), within=200)

    def test_does_not_count_a_pause(self):
        world = short()
        world.run(40)
        world.act("pause", id_="1")
        world.run(100)
        assert (world.state(), world.status.rollout.lacking_since) == ("Paused", None)
        world.act("resume", id_="2")
        world.run(40)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        world.until(lambda: world.state() == "Aborted", within=25)

    def test_does_not_count_a_freeze(self):
        world = short()
        world.run(40)
        world.change(rollout=rollout(freeze=[once(0, 600)]))
        world.run(100)
        assert (world.share("v2"), world.ready()) == (25, ("False", "Frozen"))
        assert world.status.rollout.lacking_since is None
        world.change(rollout=rollout())
        world.run(40)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        world.until(lambda: world.state() == "Aborted", within=25)

    def test_ends_nothing_while_the_gates_cannot_tell_and_is_not_forgotten(self):
        world = short()
        since = world.status.rollout.lacking_since
        world.metrics_work = False
        world.run(100)
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "MetricsUnavailable")
        assert world.status.rollout.lacking_since == since
        world.metrics_work = True
        world.until(lambda: world.state() == "Aborted", within=5)

    def test_ends_nothing_where_there_is_nobody_to_go_back_to_and_says_so(self):
        world = short()
        world.set_ready("v1", False)
        world.run(80)
        assert (world.state(), world.share("v2")) == ("Stepping", 100)
        assert world.ready() == ("False", "PredictorStarting")
        assert "v1 has no ready replica" in world.status.summary
        assert "1 of 2 replicas for 50 % are ready" in world.status.summary
        assert "not enough after 60 s" in world.status.summary

    def test_begins_anew_when_the_clock_goes_back(self):
        world = begun()
        world.act("promote", id_="1")
        world.run(40)
        world.now -= 3600
        assert 60 <= world.until(lambda: world.state() == "Aborted") <= 63


def test_waiting_for_replicas_is_no_waiting_for_evidence():
    world = begun(inconclusive={"holdSeconds": 30, "then": "Abort"})
    world.rate = 0.0
    world.until(lambda: world.status.rollout.hold_since is not None)
    world.rate = 50.0
    world.until(lambda: world.ready() == ("False", "PredictorStarting"))
    assert world.status.rollout.hold_since is None


def test_where_it_is_to_go_on_without_evidence_it_waits_for_the_replicas_after_the_hold():
    world = begun(inconclusive={"holdSeconds": 5, "then": "Promote"})
    world.rate = 0.0
    world.until(lambda: world.status.rollout.lacking_since is not None)
    world.run(10)
    assert world.ready() == ("False", "PredictorStarting")
    world.room["v2"] = 2
    world.until(lambda: world.share("v2") == 50, within=5)


class TestPodsThatBootOneAfterAnother:
    """Stable has four replicas; a weight waits for its share of four, rounded up, and a mirror for all of them."""

    def test_take_each_weight_as_soon_as_there_are_enough_of_them_for_it(self):
        assert self.reached(STEPS) == [0, 25, 50, 50, 100]

    def test_take_a_copy_of_every_request_only_all_together(self):
        assert self.reached([{"mirror": {}}, {"pause": {"seconds": 600}}]) == [0, 0, 0, 0, -1]

    def reached(self, plan: list[dict[str, Any]]) -> list[int]:
        """The weight after a minute with no pod, with one, and so on; -1 for a mirror."""
        world = released(predictor=FOUR, rollout={"steps": plan, "gates": GATES, "bakeSeconds": 5})
        world.room["v2"] = 0
        world.change(version="v2")
        weights = []
        for pods in range(5):
            world.room["v2"] = pods
            world.run(60)
            weights.append(-1 if world.is_mirrored("v2") else world.share("v2"))
        return weights
