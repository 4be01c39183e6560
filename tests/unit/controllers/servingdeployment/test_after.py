"""A deployment is released after others: once they serve the same version, or at least release nothing."""

from typing import Any

from unit.controllers.servingdeployment.neighbours import peer
from unit.controllers.servingdeployment.world import GATES, World

ROLLOUT: dict[str, Any] = {"steps": [{"setWeight": 50}, {"pause": {"seconds": 2}}], "gates": GATES, "bakeSeconds": 2}


def released_after(*names: str) -> World:
    """A world in which v2 is wanted, after others."""
    world = World(rollout=ROLLOUT)
    world.until(lambda: world.serves("v1"))
    world.change(version="v2", rollout=ROLLOUT | {"after": [{"name": name} for name in names]})
    return world


def test_it_waits_until_the_one_before_has_the_same_version():
    world = released_after("eu")
    peer(world, "eu", "v1")
    world.run(5)
    assert world.ready() == ("False", "AwaitingDependency")
    assert world.status.summary == "v2 waits for eu: it has v1 and not v2 yet. Meanwhile v1 answers."
    peer(world, "eu", "v2", state="Baking", ready="Baking")
    world.run(5)
    assert "v2 waits for eu: its release is under way" in world.status.summary
    peer(world, "eu", "v2")
    world.run(1)
    world.until(lambda: world.serves("v2"))


def test_one_of_another_model_need_only_serve_and_release_nothing():
    world = released_after("features")
    peer(world, "features", "v7", model="features", state="Stepping", ready="Progressing")
    world.run(5)
    assert world.ready() == ("False", "AwaitingDependency")
    peer(world, "features", "v7", model="features")
    world.run(1)
    assert world.status.candidate is not None


def test_one_that_took_the_version_back_keeps_it_from_those_after_it():
    world = released_after("eu")
    peer(world, "eu", "v1", state="Aborted", ready="Quarantined")
    world.run(30)
    assert world.status.candidate is None
    assert world.share("v1") == 100


def test_one_that_is_not_well_is_waited_for():
    world = released_after("eu")
    peer(world, "eu", "v2", ready="PredictorStarting")
    world.run(5)
    assert "it is not Ready: PredictorStarting" in world.status.summary


def test_one_that_does_not_exist_is_named():
    world = released_after("eu")
    world.run(5)
    assert "there is no such ServingDeployment in the namespace" in world.status.summary


def test_a_circle_is_refused_with_the_way_round():
    world = released_after("eu")
    peer(world, "eu", "v1", after=("us",))
    peer(world, "us", "v1", after=("ranker",))
    world.run(5)
    assert world.ready() == ("False", "DependencyCycle")
    assert world.condition("Stalled") == ("True", "DependencyCycle")
    assert "ranker → eu → us → ranker; take one of them out" in world.status.summary


def test_a_circle_of_others_is_their_own():
    world = released_after("eu")
    peer(world, "eu", "v2", after=("us",))
    peer(world, "us", "v2", after=("eu",))
    world.run(2)
    assert world.status.candidate is not None


def test_an_undo_waits_for_nobody():
    world = World(rollout=ROLLOUT)
    world.until(lambda: world.serves("v1"))
    world.release("v2")
    world.change(rollout=ROLLOUT | {"after": [{"name": "nobody"}]})
    world.act("undo", id_="1")
    world.until(lambda: world.share("v1") == 100, within=10)
