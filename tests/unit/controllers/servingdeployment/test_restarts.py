"""Containers that keep dying take a version back: under traffic, by the worst pod, and held against stable's."""

import pytest

from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.test_mirror import mirrored, only_incident
from unit.controllers.servingdeployment.test_twin import begun as begun_with_twin
from unit.controllers.servingdeployment.test_twin import twin
from unit.controllers.servingdeployment.world import GATES, World

THREE = {"minReplicas": 3, "maxReplicas": 3}
LONG_STEP = {"steps": [{"setWeight": 25}, {"pause": {"seconds": 600}}], "gates": GATES}


def pods(world: World, version: str) -> list[str]:
    return world.ready_pods(world.service_of(version))


def starting(seconds: float = 20.0) -> World:
    """A world in which v2 takes so long to start, and has just begun to."""
    world = released()
    world.boot["v2"] = seconds
    world.change(version="v2")
    world.run(3)
    assert (world.state(), world.share("v2")) == ("Starting", 0)
    return world


def under_traffic() -> World:
    """A world in which three replicas of v2 have just got a quarter of the traffic, for long."""
    world = at("v2", 25, predictor=THREE, rollout=LONG_STEP)
    world.run(1)
    return world


def story(world: World) -> tuple[str, int, bool]:
    """The state, the share of v2, and whether it is quarantined."""
    return world.state(), world.share("v2"), any(found["spec"]["quarantine"] for found in world.incidents())


GOES_ON = ("Stepping", 25, False)
TAKEN_BACK = ("Aborted", 0, False)
QUARANTINED = ("Aborted", 0, True)


@pytest.mark.parametrize(
    ("new", "stable", "outcome"),
    [
        (2, 0, GOES_ON),
        (3, 0, QUARANTINED),
        (3, 1, GOES_ON),
        (5, 1, GOES_ON),
        (6, 1, TAKEN_BACK),
        (3, 3, GOES_ON),
        (11, 3, GOES_ON),
        (12, 3, TAKEN_BACK),
        (0, 9, GOES_ON),
    ],
)
def test_three_restarts_are_too_many_and_each_one_of_stable_allows_three_more(
    new: int, stable: int, outcome: tuple[str, int, bool]
):
    world = under_traffic()
    world.crash_containers("v2", times=new)
    world.crash_containers("v1", times=stable)
    world.run(2)
    assert story(world) == outcome


class TestMessage:
    def test_names_the_pod_and_how_its_container_ended_also_where_it_is_ready_again(self):
        world = under_traffic()
        worst = pods(world, "v2")[1]
        world.crash_pod(worst, times=3)
        world.run(2)
        said = f"its containers restarted 3 times under traffic: pod {worst}: kserve-container: exit code 137"
        assert (world.status.abort.reason, world.status.abort.message) == ("NotReady", said)
        assert world.ready() == ("False", "Quarantined")
        assert said in world.status.summary

    def test_tells_how_often_stable_restarted_and_that_nothing_is_quarantined(self):
        world = under_traffic()
        world.crash_pod(pods(world, "v1")[0], times=1)
        worst = pods(world, "v2")[0]
        world.crash_pod(worst, times=6)
        world.run(2)
        assert only_incident(world)["summary"] == (
            f"its containers restarted 6 times under traffic against 1 of stable: pod {worst}: "
            "kserve-container: exit code 137; stable's containers restarted as well, so the version is not quarantined"
        )
        assert world.ready() == ("False", "RolledBack")


class TestBeforeTheFirstRequest:
    def test_restarts_while_it_starts_are_not_held_against_a_version_that_is_ready_then(self):
        world = starting()
        world.crash_containers("v2", times=4)
        world.until(lambda: world.serves("v2"), within=300)
        assert world.incidents() == []

    def test_a_pause_before_the_first_step_changes_nothing(self):
        world = starting()
        world.act("pause", id_="p")
        world.crash_containers("v2", times=4)
        world.run(30)
        assert (world.state(), world.share("v2"), world.incidents()) == ("Paused", 0, [])
        world.act("resume", id_="r")
        world.until(lambda: world.serves("v2"), within=300)
        assert world.incidents() == []

    @pytest.mark.parametrize("gateway_works", [True, False])
    def test_a_first_step_that_sends_nothing_or_that_no_gateway_has_taken_yet_is_before_it(self, gateway_works: bool):
        first = [] if not gateway_works else [{"pause": {"seconds": 30}}]
        steps = [*first, {"setWeight": 25}, {"pause": {"seconds": 600}}]
        world = released(rollout={"steps": steps, "gates": GATES})
        world.gateway_works = gateway_works
        world.change(version="v2")
        world.until(lambda: bool(world.status.rollout.step_hash))
        world.run(3)
        world.crash_containers("v2", times=3)
        world.run(2)
        assert (world.state(), world.incidents()) == ("Stepping", [])
        world.gateway_works = True
        world.until(lambda: world.status.rollout.weights.observed == 25, within=60)
        world.run(5)
        assert story(world) == GOES_ON

    def test_stable_is_not_excused_by_what_it_restarted_then(self):
        world = released(predictor=THREE, rollout=LONG_STEP)
        world.crash_containers("v1", times=5)
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        world.run(2)
        world.crash_containers("v2", times=3)
        world.run(2)
        assert story(world) == QUARANTINED

    def test_those_after_it_count_from_there_also_for_an_operator_that_was_restarted(self):
        world = starting()
        world.crash_containers("v2", times=4)
        world.until(lambda: world.share("v2") == 5)
        world.run(1)
        world.restart_operator()
        world.crash_containers("v2", times=2)
        world.run(2)
        assert (world.state(), world.share("v2")) == ("Stepping", 5)
        world.restart_operator()
        world.crash_containers("v2", times=1)
        world.run(2)
        assert story(world) == QUARANTINED
        assert "restarted 3 times under traffic" in world.status.abort.message

    def test_a_copy_of_the_requests_is_traffic(self):
        world = mirrored()
        world.crash_containers("v2", times=3)
        world.run(2)
        assert story(world) == QUARANTINED
        assert only_incident(world)["summary"].endswith("it was only mirrored: nobody got an answer of it")


class TestSizeAndTime:
    def test_one_restart_of_each_of_many_replicas_is_none_too_many(self):
        world = under_traffic()
        world.crash_containers("v2", times=2)
        world.run(60)
        assert len(pods(world, "v2")) == 3
        assert story(world) == GOES_ON

    def test_one_replica_that_keeps_dying_is_enough(self):
        world = under_traffic()
        world.crash_pod(pods(world, "v2")[2], times=3)
        world.run(2)
        assert story(world) == QUARANTINED

    def test_a_pod_that_is_replaced_takes_its_restarts_with_it_and_gives_the_new_one_no_credit(self):
        world = starting()
        world.crash_containers("v2", times=4)
        world.until(lambda: world.share("v2") == 5)
        world.boot["v2"] = 0.0
        world.replace_pod(pods(world, "v2")[0])
        world.run(2)
        assert (world.state(), world.share("v2")) == ("Stepping", 5)
        world.crash_containers("v2", times=3)
        world.run(2)
        assert story(world) == QUARANTINED

    def test_restarts_of_the_steps_before_count_and_those_of_the_bake_as_well(self):
        world = at("v2", 5)
        world.run(1)
        for weight in (25, 100):
            world.crash_containers("v2", times=1)
            world.until(lambda weight=weight: world.share("v2") == weight)
        world.until(lambda: world.state() == "Baking")
        world.crash_containers("v2", times=1)
        world.run(2)
        assert story(world) == QUARANTINED


def test_restarts_of_the_twin_are_restarts_of_stable():
    world = begun_with_twin()
    world.run(1)
    world.crash_pod(world.ready_pods(twin(world))[0], times=1)
    world.crash_containers("v2", times=3)
    world.run(2)
    assert (world.state(), world.share("v2")) == ("Stepping", 20)
