"""An incident belongs to the Team whose the namespace is, whatever a tenant's Model says."""

import pytest

from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.controllers.incident.owned import Ownership, ownership
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import Object
from unit.controllers.incident.test_reconcile import NOW, incident
from unit.controllers.team.test_reconcile import team


def owned(*teams: Object, on_call: str = "", readable: bool = True) -> Ownership:
    spec = IncidentSpec.model_validate({**incident()["spec"], "onCall": on_call})
    return ownership(spec, "team-a", teams if readable else None)


def described(name: str, *namespaces: str) -> Object:
    obj = team(name, *namespaces)
    obj["spec"] |= {"owners": [{"name": "Ada", "email": "ada@example.com"}, {"name": "Ben"}], "onCall": "#reco"}
    return obj


def test_owners_and_whom_to_page_come_from_the_team() -> None:
    found = owned(described("reco", "team-a"), described("ads", "team-b"))

    assert (found.team, found.owners, found.on_call) == ("reco", ["Ada <ada@example.com>", "Ben"], "#reco")
    assert (found.verdict.status, found.verdict.reason) == (True, "Owned")


def test_whom_the_model_says_to_page_comes_before_whom_the_team_says() -> None:
    assert owned(described("reco", "team-a"), on_call="#ranker").on_call == "#ranker"


def test_a_model_that_names_another_team_wakes_nobody_there() -> None:
    found = owned(described("search", "team-a"), described("reco", "team-b"))

    assert found.team == "search"
    assert "the Model names reco" in found.verdict.message


@pytest.mark.parametrize(
    ("teams", "readable", "status", "reason"),
    [
        ((), True, False, "NoTeam"),
        ((described("reco", "team-b"),), True, False, "NoTeam"),
        ((described("reco", "team-a"), described("ads", "team-a")), True, False, "NamespaceClaimed"),
        ((), False, None, "TeamsNotRead"),
    ],
    ids=["no team", "another's namespace", "two teams", "no right to read teams"],
)
def test_where_it_is_not_known_whose_it_is_it_says_why_and_pages_whom_the_model_names(
    teams: tuple[Object, ...], readable: bool, status: bool | None, reason: str
) -> None:
    found = owned(*teams, on_call="#ranker", readable=readable)

    assert (found.verdict.status, found.verdict.reason) == (status, reason)
    assert (found.team, found.owners, found.on_call) == ("", [], "#ranker")


def test_the_status_follows_a_team_that_changes() -> None:
    obj = incident()
    obj["metadata"]["namespace"] = "team-a"

    def seen(*teams: Object) -> IncidentStatus:
        return IncidentStatus.model_validate(reconcile(Snapshot(obj, None, NOW, teams=teams)).status)

    assert seen(team("reco", "team-a")).team == "reco"
    assert seen(team("ads", "team-a")).team == "ads"
    assert seen().team == ""
