"""The diagram of a release's states has every way that the machine knows, and each of them can be walked."""

from collections.abc import Callable

import pytest

from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.diagram import Way, drawn, walked
from unit.controllers.servingdeployment.world import World


def starting() -> World:
    world = released()
    world.boot["v2"] = 60.0
    world.change(version="v2")
    world.until(lambda: world.state() == "Starting")
    return world


def stepping() -> World:
    return at("v2", 5)


def baking() -> World:
    world = at("v2", 50)
    world.until(lambda: world.state() == "Baking")
    return world


def paused(begin: Callable[[], World]) -> World:
    return then(begin(), "pause")


def then(world: World, *verbs: str) -> World:
    for number, verb in enumerate(verbs):
        world.act(verb, id_=f"{verb}-{number}")
        world.run(1)
    return world


def wanting(world: World, version: str) -> World:
    world.change(version=version)
    world.run(2)
    return world


STORIES: dict[Way, Callable[[], World]] = {
    ("Starting", "Stepping"): stepping,
    ("Starting", "Paused"): lambda: paused(starting),
    ("Starting", "Aborted"): lambda: then(starting(), "abort"),
    ("Starting", "Superseded"): lambda: wanting(starting(), "v3"),
    ("Stepping", "Stepping"): lambda: at("v2", 25),
    ("Stepping", "Paused"): lambda: paused(stepping),
    ("Stepping", "Baking"): baking,
    ("Stepping", "Completed"): released,
    ("Stepping", "Aborted"): lambda: then(stepping(), "abort"),
    ("Stepping", "Superseded"): lambda: wanting(stepping(), "v3"),
    ("Paused", "Starting"): lambda: then(paused(starting), "resume"),
    ("Paused", "Stepping"): lambda: then(paused(stepping), "resume"),
    ("Paused", "Aborted"): lambda: then(paused(stepping), "abort"),
    ("Paused", "Superseded"): lambda: wanting(paused(stepping), "v3"),
    ("Baking", "Completed"): lambda: released("v2"),
    ("Baking", "Aborted"): lambda: then(baking(), "abort"),
    ("Baking", "Superseded"): lambda: wanting(baking(), "v1"),
}


def test_the_diagram_draws_the_ways_of_these_stories_and_no_other() -> None:
    assert drawn() == set(STORIES)


@pytest.mark.parametrize("way", STORIES, ids=" to ".join)
def test_a_way_of_the_diagram_is_walked(way: Way) -> None:
    assert way in walked(STORIES[way]().statuses)
