"""What each type of gate does to a release, told on a small cluster."""

from typing import Any

from unit.controllers.servingdeployment.world import GATES, STEPS, World


def at(version: str, weight: int, *gates: dict[str, Any]) -> World:
    """A world in which a version has just got a weight, watched by these gates beside that on errors."""
    world = World(rollout={"steps": STEPS, "gates": [*GATES, *gates], "bakeSeconds": 10})
    world.until(lambda: world.serves("v1"))
    world.change(version=version)
    world.until(lambda: world.share(version) == weight)
    return world


def says(world: World, gate: str) -> tuple[str, str]:
    """The verdict of a gate and its sentence, as the status has them."""
    found = next(status for status in world.status.rollout.gates if status.name == gate)
    return found.verdict, found.message


class TestSampleRatio:
    RATIO = {"name": "ratio", "type": "SampleRatio", "margin": "0.02"}  # noqa: RUF012

    def test_holds_a_release_whose_answers_get_lost_and_takes_nothing_back(self):
        world = at("v2", 25, self.RATIO)
        world.lost["v2"] = 0.6
        world.run(60)
        assert world.share("v2") == 25
        assert world.incidents() == []
        assert world.ready() == ("False", "NotComparable")
        assert "the new version gets" in world.status.summary
        assert "not 25.00%: the versions cannot be compared" in world.status.summary

    def test_lets_a_release_go_on_to_its_end_where_the_shares_are_right(self):
        world = at("v2", 5, self.RATIO)
        world.until(lambda: world.serves("v2"), within=120)
        assert world.incidents() == []

    def test_goes_on_with_its_counts_after_a_restart_of_the_operator(self):
        world = at("v2", 25, self.RATIO)
        world.lost["v2"] = 0.6
        world.until(lambda: says(world, "ratio")[0] == "Error", within=40)
        world.restart_operator()
        world.run(1)
        assert says(world, "ratio")[0] == "Error"

    def test_only_holds_while_it_decides(self):
        world = at("v2", 25, self.RATIO | {"onFail": "Observe"})
        world.lost["v2"] = 0.6
        world.run(20)
        assert says(world, "ratio")[0] == "Error"
        assert world.ready() == ("False", "Progressing")
        assert "ratio (observed)" in world.status.summary
        world.until(lambda: world.serves("v2"), within=120)

    def test_guards_against_nothing_by_itself(self):
        world = World(rollout={"steps": STEPS, "gates": [self.RATIO], "bakeSeconds": 10})
        world.until(lambda: world.serves("v1"))
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 5)
        assert world.condition("Guarded") == ("False", "NoGates")
