"""Features that a version finds too old, or not at all: the gates of the example, told on a small cluster."""

from pathlib import Path
from typing import Any

import yaml

from unit.controllers.servingdeployment.world import World

EXAMPLE = Path(__file__).parents[4] / "examples" / "gates" / "features.yaml"
ROLLOUT: dict[str, Any] = {
    "steps": [{"setWeight": 25}, {"pause": {"seconds": 30}}, {"setWeight": 50}, {"pause": {"seconds": 30}}],
    "gates": yaml.safe_load(EXAMPLE.read_text())["spec"]["rollout"]["gates"],
    "bakeSeconds": 5,
}
USUAL = {"feature-age-seconds": (40.0, 1.0), "missing": (1.0, 20.0)}
OLD = USUAL | {"feature-age-seconds": (900.0, 1.0)}
GONE = USUAL | {"missing": (5.0, 20.0)}


def at_25(**bears: dict[str, tuple[float, float]]) -> World:
    """A world in which v2 has just got a quarter, and answers bear what is said of each version, or the usual."""
    world = World(rollout=ROLLOUT)
    world.bears |= {"v1": USUAL, "v2": USUAL} | bears
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    world.until(lambda: world.share("v2") == 25)
    return world


def taken_back(world: World) -> dict[str, Any]:
    """What the Incident says when v2 has been taken back."""
    world.until(lambda: world.share("v1") == 100, within=25)
    world.run(1)
    assert (world.state(), world.ready()) == ("Aborted", ("False", "Quarantined"))
    (incident,) = world.incidents()
    return dict(incident["spec"])


def test_a_version_whose_features_are_older_is_taken_back():
    found = taken_back(at_25(v2=OLD))
    assert found["gate"] == "fresh-features"
    assert "worse than stable" in found["summary"]


def test_a_version_whose_features_turn_old_after_a_while_is_taken_back():
    world = at_25()
    world.run(15)
    world.bears["v2"] = OLD
    assert taken_back(world)["gate"] == "fresh-features"


def test_a_version_that_misses_more_features_is_taken_back():
    found = taken_back(at_25(v2=GONE))
    assert found["gate"] == "missing-features"
    evidence = next(each for each in found["evidence"] if each["gate"] == "missing-features")
    assert (evidence["candidate"].split()[0], evidence["stable"].split()[0]) == ("0.25", "0.05")


def test_a_version_that_finds_what_stable_finds_or_more_is_promoted():
    world = at_25(v2={"feature-age-seconds": (20.0, 1.0), "missing": (0.0, 20.0)})
    world.until(lambda: world.serves("v2"), within=120)
    assert world.incidents() == []


def test_features_that_turn_old_for_both_versions_are_not_the_new_ones_doing():
    world = at_25()
    world.run(10)
    world.bears |= {"v1": OLD, "v2": OLD}
    world.run(15)
    assert (world.state(), world.share("v2")) == ("Stepping", 25)
    assert world.incidents() == []
    world.until(lambda: world.serves("v2"), within=120)


def test_a_version_that_does_not_tell_the_age_of_its_features_is_held_and_blamed_for_nothing():
    world = at_25(v2={"missing": USUAL["missing"]})
    world.run(40)
    assert (world.state(), world.share("v2")) == ("Stepping", 25)
    assert world.ready() == ("False", "NotComparable")
    assert "the answers of the new version do not bear the metric feature-age-seconds" in world.status.summary
    assert world.incidents() == []
    world.bears["v2"] = USUAL
    world.until(lambda: world.serves("v2"), within=120)


def test_an_age_beyond_the_largest_holds_the_release_and_says_so():
    world = at_25(v2=USUAL | {"feature-age-seconds": (7200.0, 1.0)})
    world.run(40)
    assert (world.state(), world.share("v2")) == ("Stepping", 25)
    assert world.ready() == ("False", "NotComparable")
    assert "by more than the 3600 that one answer may add" in world.status.summary
    assert world.incidents() == []
