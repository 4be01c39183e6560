"""What people may ask of a release: each verb runs once, and says what it did or why it did nothing."""

import pytest

from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import GATES, STEPS


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

    def test_a_pause_names_who_paused_also_after_the_clock_has_gone_back(self):
        world = at("v2", 25)
        world.run(10)
        world.act("pause", id_="1", by="ada")
        world.run(2)
        world.act("pause", id_="2", by="bob")
        world.run(2)
        world.now -= 40
        world.run(2)
        assert world.state() == "Paused"
        assert "paused by ada since" in world.status.summary

    def test_a_pause_by_the_gates_is_nobodys_even_after_the_clock_has_gone_back(self):
        inconclusive = {"holdSeconds": 5, "then": "Pause"}
        world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": inconclusive})
        world.run(1)
        world.act("pause", id_="1", by="ada")
        world.run(2)
        world.act("resume", id_="2", by="ada")
        world.run(1)
        world.rate = 0.0
        world.until(lambda: world.state() == "Paused", within=60)
        world.now -= 40
        world.run(2)
        assert "because a gate could not tell" in world.status.summary
        assert "ada" not in world.status.summary

    @pytest.mark.parametrize("verb", ["promote", "resume"])
    def test_either_verb_that_a_pause_before_the_first_step_offers_ends_it(self, verb: str):
        world = released()
        world.boot["v2"] = 10.0
        world.change(version="v2")
        world.run(2)
        world.act("pause", id_="1")
        world.run(20)
        assert (world.state(), world.share("v2")) == ("Paused", 0)
        assert "`shipway resume` or `promote` lets it go on" in world.status.summary
        world.act(verb, id_="2")
        world.run(1)
        assert world.status.actions[-1].result.startswith("resumed")
        world.until(lambda: world.share("v2") == 5, within=5)

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
