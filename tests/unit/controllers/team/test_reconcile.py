"""A Team is ready when its namespaces are there and no other Team's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import minimal
from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.team import TeamStatus
from shipway.controllers.ownership import team_of
from shipway.controllers.team.reconcile import Snapshot, reconcile
from shipway.kube.resource import Object

NOW = 1_800_000_000.0
BESIDE: dict[str, dict[str, tuple[str, str]]] = {
    "Resolved": {},
    "NamespaceMissing": {"Reconciling": ("True", "NamespaceMissing")},
    "NamespaceClaimed": {"Stalled": ("True", "NamespaceClaimed")},
}
"""What tells with Ready whether the Team comes right by itself."""
NAMES = ("team-a", "team-b", "team-c")


def team(name: str, *namespaces: str, **meta: Any) -> Object:
    obj = minimal("Team", name=name, namespaces=list(namespaces))
    obj["metadata"] |= {"generation": 1, **meta}
    return obj


def judged(mine: Object, *others: Object, there: tuple[str, ...] = NAMES) -> Object:
    """The Team with the status that it gets beside others."""
    status = reconcile(Snapshot(mine, (mine, *others), there, NOW)).status
    return {**mine, "status": status}


def told(obj: Object) -> TeamStatus:
    return TeamStatus.model_validate(obj["status"])


@pytest.mark.parametrize(
    ("mine", "others", "there", "reason", "counted"),
    [
        (team("reco", "team-a"), (), NAMES, "Resolved", 1),
        (team("reco"), (), (), "Resolved", 0),
        (team("reco", "team-a", "team-b"), (), ("team-a",), "NamespaceMissing", 1),
        (team("reco", "team-a"), (team("ads", "team-b"),), NAMES, "Resolved", 1),
        (team("reco", "team-a", "team-b"), (team("ads", "team-b"),), NAMES, "NamespaceClaimed", 1),
        (team("reco", "team-a"), (team("ads", "team-a"),), (), "NamespaceClaimed", 0),
        (team("reco", "team-a"), (team("ads", "team-a", deletionTimestamp=rfc3339(NOW)),), NAMES, "Resolved", 1),
    ],
    ids=["its own", "none", "missing", "beside another", "one of two claimed", "claimed and missing", "rival going"],
)
def test_it_says_what_is_wrong_with_its_namespaces(
    mine: Object, others: tuple[Object, ...], there: tuple[str, ...], reason: str, counted: int
) -> None:
    status = told(judged(mine, *others, there=there))

    conditions = {c.type: (c.status, c.reason) for c in status.conditions}
    assert conditions == {"Ready": ("True" if reason == "Resolved" else "False", reason), **BESIDE[reason]}
    assert status.namespaces == counted


def test_the_message_names_the_namespace_and_the_rival() -> None:
    status = told(judged(team("reco", "team-a"), team("ads", "team-a")))

    assert "team-a is claimed by ads too" in status.conditions[0].message


def test_another_look_changes_nothing() -> None:
    first = judged(team("reco", "team-a", "team-b"), there=("team-a",))

    assert judged(first, there=("team-a",)) == first


CLAIMS = st.dictionaries(st.sampled_from(["reco", "ads", "search"]), st.sets(st.sampled_from(NAMES)))


@given(claimed=CLAIMS, namespace=st.sampled_from(NAMES))
def test_a_namespace_is_a_teams_exactly_where_that_team_alone_claims_it(
    claimed: dict[str, set[str]], namespace: str
) -> None:
    found = team_of([team(name, *sorted(names)) for name, names in claimed.items()], namespace)

    alone = [name for name, names in claimed.items() if namespace in names]
    assert (found["metadata"]["name"] if found else None) == (alone[0] if len(alone) == 1 else None)
