"""A version that is to be taken back and cannot be: who is told, whom it is about, and that it ends by itself."""

import pytest

from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import GATES, STEPS, World


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

    @pytest.mark.parametrize("cured", ["errors", "replicas"])
    def test_stands_by_what_people_were_called_for_whatever_the_version_does_since(self, cured: str):
        world = at("v2", 25, rollout={"steps": STEPS, "gates": GATES, "progressDeadlineSeconds": 20})
        world.run(5)
        world.refuse = "HTTPRoute"
        world.errors["v2"] = 0.5 if cured == "errors" else 0.0
        world.set_ready("v2", cured == "errors")
        world.run(30)
        world.errors["v2"] = 0.0
        world.set_ready("v2", True)
        world.run(60)
        assert (world.state(), world.ready()) == ("Stepping", ("False", "RollbackBlocked"))
        world.refuse = ""
        world.until(lambda: world.state() == "Aborted", within=10)
        world.run(2)
        assert world.share("v2") == 0
        assert world.status.abort.reason == ("GateFailed" if cured == "errors" else "NotReady")
        assert said(incident(world))["Mitigated"] == "Mitigated"

    def test_of_an_abort_by_hand_is_recorded_as_such_when_it_comes_true(self):
        world = at("v2", 25)
        world.refuse = "HTTPRoute"
        world.act("abort", id_="1", by="ada", reason="complaints")
        world.run(10)
        assert "v2 cannot be taken back (aborted by ada: complaints)" in world.status.summary
        world.refuse = ""
        world.until(lambda: world.state() == "Aborted", within=10)
        assert world.status.abort.reason == "Aborted"
        assert [action.result for action in world.status.actions] == ["taken back to v1"]

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
        world = released()
        reasons = set()
        world.after_write = lambda written: reasons.add(written.ready()[1])
        world.rate, world.errors["v2"] = 5000.0, 1.0
        world.change(version="v2")
        world.until(lambda: world.state() == "Aborted", within=20)
        assert {"Progressing", "Quarantined"} <= reasons
        assert "RollbackBlocked" not in reasons

    def test_is_told_with_the_new_version_that_answers_alone(self):
        world = at("v2", 25)
        world.run(2)
        world.set_ready("v1", False)
        del world.objects["ModelVersion", "ranker-v2"]
        world.run(3)
        assert world.ready() == ("False", "VersionMissing")
        assert world.status.summary.endswith("Meanwhile v2 answers.")


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
