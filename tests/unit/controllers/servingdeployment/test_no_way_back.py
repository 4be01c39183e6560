"""A version that is to be taken back and cannot be: who is told, whom it is about, and that it ends by itself."""

import pytest

from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from unit.controllers.servingdeployment.beginnings import at
from unit.controllers.servingdeployment.world import World


def refused() -> World:
    """A version with a quarter of the traffic has turned bad, and the API server takes no route any more."""
    world = at("v2", 25)
    world.run(5)
    world.refuse = "HTTPRoute"
    world.errors["v2"] = 0.5
    world.run(20)
    return world


def incident(world: World) -> IncidentStatus:
    """The one Incident there is, after its own controller has looked."""
    (found,) = world.incidents()
    return IncidentStatus.model_validate(reconcile(Snapshot(found, world.sdep, world.now)).status)


def said(status: IncidentStatus) -> dict[str, str]:
    return {condition.type: condition.reason for condition in status.conditions}


class TestRouteRefusedByTheApiServer:
    def test_says_what_is_to_be_taken_back_why_and_who_answers_how_much(self):
        world = refused()
        assert (world.state(), world.share("v2")) == ("Stepping", 25)
        assert world.ready() == ("False", "RollbackBlocked")
        assert world.condition("Stalled") == ("True", "RollbackBlocked")
        assert world.status.summary.startswith("v2 cannot be taken back (errors: ")
        assert world.status.summary.endswith(
            "HTTPRoute refused by the API server: quota exceeded. "
            "Meanwhile v1 answers 75 % of the requests and v2 25 %."
        )

    def test_calls_somebody_once_and_for_as_long_as_it_lasts(self):
        world = refused()
        status = incident(world)
        assert (said(status)["Mitigated"], said(status)["Ready"]) == ("Mitigating", "Open")
        world.run(60)
        assert len(world.incidents()) == 1

    def test_ends_in_the_same_incident_once_the_route_is_taken(self):
        world = refused()
        (called,) = world.incidents()
        world.refuse = ""
        world.until(lambda: world.state() == "Aborted", within=10)
        world.run(2)
        assert world.share("v2") == 0
        assert [found["metadata"]["name"] for found in world.incidents()] == [called["metadata"]["name"]]
        assert said(incident(world))["Mitigated"] == "Mitigated"
        assert world.ready() == ("False", "Quarantined")

    def test_of_a_release_that_is_only_given_up_calls_nobody(self):
        world = at("v2", 25)
        world.refuse = "HTTPRoute"
        world.change(version="v3")
        world.run(5)
        assert world.ready() == ("False", "RouteNotAccepted")
        assert world.incidents() == []


class TestStableWithoutReplicas:
    @pytest.mark.parametrize("paused", [False, True])
    def test_is_said_whatever_else_is_wrong(self, paused: bool):
        world = at("v2", 25)
        world.run(5)
        if paused:
            world.act("pause", id_="1")
        world.set_ready("v1", False)
        world.run(2)
        del world.objects["ModelVersion", "ranker-v2"]
        world.errors["v2"] = 0.5
        world.run(10)
        assert world.ready() == ("False", "RollbackBlocked")
        assert "a gate fails, but stable has no ready replica to go back to: errors" in world.status.summary
        assert world.share("v2") == 100

    def test_is_never_said_of_a_stable_that_can_answer(self):
        world = at("v2", 5)
        reasons = set()
        world.errors["v2"] = 1.0
        while world.state() != "Aborted":
            world.tick()
            reasons.add(world.ready()[1])
        assert "RollbackBlocked" not in reasons


class TestVersionThatIsGone:
    def test_in_mid_release_is_told_with_what_it_answers(self):
        world = at("v2", 25)
        world.run(2)
        del world.objects["ModelVersion", "ranker-v2"]
        world.run(2)
        assert world.ready() == ("False", "VersionMissing")
        assert world.status.summary.endswith("Meanwhile v1 answers 75 % of the requests and v2 25 %.")

    def test_after_it_was_taken_back_is_told_with_what_it_was_taken_back_for(self):
        world = at("v2", 25)
        world.errors["v2"] = 0.5
        world.until(lambda: world.state() == "Aborted")
        del world.objects["ModelVersion", "ranker-v2"]
        world.run(5)
        assert world.ready() == ("False", "VersionMissing")
        assert "Meanwhile v1 answers. v2 was taken back at " in world.status.summary
        assert "errors: " in world.status.summary
