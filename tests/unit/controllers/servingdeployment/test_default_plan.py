"""What a release is where the user says nothing about it: cautious, and watched."""

from unit.controllers.servingdeployment.world import World


def released(**rollout: object) -> World:
    world = World(rollout=rollout or None)
    world.rate = 100.0
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    return world


def test_a_good_version_has_everything_after_six_minutes_and_is_promoted_after_seven():
    world = released()
    took = world.until(lambda: world.share("v2") == 100, within=600)
    assert 360 <= took <= 375
    took += world.until(lambda: world.serves("v2"), within=120)
    assert took <= 440
    assert [record.weight for record in world.status.rollout.history] == [5, 25, 50, 100]
    assert world.condition("Guarded") == ("True", "Guarded")


def test_a_version_that_fails_is_taken_back():
    world = released()
    world.errors["v2"] = 0.3
    world.until(lambda: world.state() == "Aborted")
    assert world.incidents()[0]["spec"]["gate"] == "errors"


def test_a_version_that_is_slow_is_taken_back():
    world = released()
    world.slow["v2"] = 0.25
    world.until(lambda: world.state() == "Aborted")
    assert world.incidents()[0]["spec"]["gate"] == "latency"


def test_the_default_gates_watch_steps_of_the_users_own():
    world = released(steps=[{"setWeight": 50}, {"pause": {"seconds": 5}}])
    world.errors["v2"] = 0.3
    world.until(lambda: world.state() == "Aborted")
    assert world.share("v2") == 0


def test_empty_lists_are_everything_at_once_and_nobody_watches():
    world = released(steps=[], gates=[])
    world.until(lambda: world.share("v2") == 100, within=10)
    assert world.condition("Guarded") == ("False", "NoGates")
