"""A version that was taken back is asked for again: it is held, whoever asks and whatever is under way."""

import pytest

from unit.controllers.servingdeployment.beginnings import at
from unit.controllers.servingdeployment.world import GATES, STEPS, World


class TestQuarantinedVersionForced:
    @pytest.fixture
    def world(self) -> World:
        world = at("v3", 25, rollout={"steps": STEPS, "gates": GATES, "bakeSeconds": 1})
        world.errors["v3"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        world.release("v2")
        world.change(version="v3")
        world.run(10)
        return world

    def test_is_held_when_it_is_applied_again_even_after_another_version(self, world: World):
        assert (world.state(), world.share("v2")) == ("Completed", 100)
        assert world.ready() == ("False", "Quarantined")
        assert world.condition("Stalled") == ("True", "Quarantined")
        for word in ("errors", "Incident ranker-v3-", "shipway retry ranker", "shipway.dev/action=retry"):
            assert word in world.status.summary

    @pytest.mark.parametrize("verb", ["promote", "resume"])
    def test_cannot_be_pushed_past_that(self, world: World, verb: str):
        world.act(verb, id_="1")
        world.run(5)
        assert (world.state(), world.share("v2")) == ("Completed", 100)
        assert world.status.actions[-1].result == "nothing to do: no release is under way"
        assert world.ready() == ("False", "Quarantined")

    def test_is_held_under_another_name_too(self, world: World):
        again = world.objects["ModelVersion", "ranker-v3"]
        world.put({**again, "metadata": {"name": "ranker-v4"}, "spec": again["spec"] | {"version": "v4"}})
        world.change(version="v4")
        world.run(5)
        assert world.share("v2") == 100
        assert world.ready() == ("False", "Quarantined")
        assert "v4 was taken back at" in world.status.summary

    def test_of_several_incidents_the_newest_is_told_by_its_own_name(self, world: World):
        (newest,) = world.incidents()
        spec = newest["spec"] | {"detectedAt": "2026-01-01T00:00:00Z", "summary": "errors: long ago"}
        world.put({**newest, "metadata": newest["metadata"] | {"name": "zeta-v3-1"}, "spec": spec})
        world.change(version="v3")
        world.run(2)
        assert f"{newest['spec']['summary']} (Incident {newest['metadata']['name']})" in world.status.summary

    def test_ends_the_release_under_way_of_a_version_that_is_not_asked_for_any_more(self):
        world = at("v3", 25)
        world.errors["v3"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        held = world.incidents()
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        world.change(version="v3")
        world.run(10)
        assert (world.state(), world.share("v1"), len(world.services())) == ("Superseded", 100, 1)
        assert world.ready() == ("False", "Quarantined")
        assert world.status.summary.startswith("v3 was taken back at ")
        assert f"(Incident {held[0]['metadata']['name']})" in world.status.summary
        assert world.status.summary.endswith("Meanwhile v1 answers.")
        assert "v2 is no longer released: v3 is wanted" in [note.message for note in world.notes]
        assert world.incidents() == held
        world.change(version="v2")
        world.until(lambda: world.share("v2") > 0)
        assert world.share("v2") == 5
