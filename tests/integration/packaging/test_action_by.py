"""Who asked for an action, took up an Incident or closed it: stamped at admission, or a wrong name is refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from manifests import minimal
from own_cluster import Cluster, RefusedError, eventually
from releases import assert_nothing_is_left, install, uninstall, wait_for_kinds
from shipway.api.labels import ACTION, ACTION_BY, ACTION_ID
from shipway.api.schema import GROUP
from shipway.controllers.incident.people import ACKNOWLEDGED_BY, RESOLVED_BY

NO_ANNOTATIONS = '{"metadata":{"annotations":null}}'


@dataclass(frozen=True)
class Annotated:
    """An object whose annotations people set; the ServingDeployment unless said otherwise."""

    cluster: Cluster
    namespace: str
    kind: str = "sdep"
    name: str = "ranker"

    @property
    def incident(self) -> "Annotated":
        """The Incident beside it."""
        return Annotated(self.cluster, self.namespace, "incident", minimal("Incident")["metadata"]["name"])

    def annotate(self, user: str, *changes: str) -> None:
        """Set or remove annotations as that user."""
        self.cluster.kubectl(*self._annotate, *changes, user=user)

    def refusal(self, user: str, *changes: str) -> str:
        """What that user is told when the change is refused."""
        return self.cluster.refusal(*self._annotate, *changes, user=user)

    def wants_own_name(self, annotation: str) -> bool:
        """Whether bob is told to write his own name there; what he could write is taken away again."""
        try:
            self.annotate("bob", f"{annotation}=eve")
        except RefusedError as refusal:
            return "write your own name" in str(refusal)
        self.annotate("bob", f"{annotation}-")
        return False

    def said(self) -> dict[str, str]:
        """The annotations that are ours."""
        found = self.cluster.get(self.kind, self.name, "-n", self.namespace)["metadata"].get("annotations", {})
        return {key: value for key, value in found.items() if key.startswith(GROUP)}

    @property
    def _annotate(self) -> tuple[str, ...]:
        return ("annotate", "--overwrite", self.kind, self.name, "-n", self.namespace)


def deployment(cluster: Cluster, team: str, mode: str) -> Annotated:
    """A deployment and an Incident in a cluster where the chart was installed with that mode."""
    install(cluster, {"crds": {"keep": False}, "actionStamp": {"mode": mode}})
    wait_for_kinds(cluster)
    for kind in ("ServingDeployment", "Incident"):
        cluster.kubectl("create", "-n", team, "-f", "-", stdin=json.dumps(minimal(kind)))
    return Annotated(cluster, team)


@pytest.fixture
def stamped(cluster: Cluster, team: str) -> Iterator[Annotated]:
    """A deployment in a cluster that stamps."""
    made = deployment(cluster, team, "mutating")

    def in_force() -> bool:
        try:
            made.annotate("eve", f"{ACTION}=pause", f"{ACTION_ID}=first")
        except RefusedError:
            return False  # neither the role nor the kind are known everywhere a moment after they were made
        stamp = made.said().get(ACTION_BY)
        made.annotate("eve", f"{ACTION}-", f"{ACTION_ID}-", f"{ACTION_BY}-")
        return stamp == "eve"

    eventually("the policy is in force", in_force)
    made.cluster.kubectl("patch", "sdep", "ranker", "-n", team, "--type=merge", "-p", NO_ANNOTATIONS)
    yield made
    uninstall(cluster)
    assert_nothing_is_left(cluster)


@pytest.fixture
def checked(cluster: Cluster, team: str) -> Iterator[Annotated]:
    """A deployment in a cluster that cannot stamp, and checks."""
    made = deployment(cluster, team, "validating")

    eventually("the policy is in force", lambda: made.wants_own_name(ACTION_BY))
    yield made
    uninstall(cluster)
    assert_nothing_is_left(cluster)


def test_who_asked_is_stamped_and_cannot_be_forged(stamped: Annotated) -> None:
    stamped.annotate("eve", f"{ACTION}=pause", f"{ACTION_ID}=1")
    assert stamped.said() == {ACTION: "pause", ACTION_ID: "1", ACTION_BY: "eve"}

    stamped.annotate("bob", f"{ACTION_BY}=root")
    assert stamped.said()[ACTION_BY] == "eve", "a name that changes by itself is put back"

    stamped.annotate("bob", f"{ACTION_BY}-")
    assert stamped.said()[ACTION_BY] == "eve", "nor can it be removed"

    stamped.annotate("bob", f"{ACTION}=abort", f"{ACTION_ID}=2", f"{ACTION_BY}=eve")
    assert stamped.said()[ACTION_BY] == "bob", "a forged name is replaced"

    stamped.cluster.kubectl("patch", "sdep", "ranker", "-n", stamped.namespace, "--type=merge", "-p", NO_ANNOTATIONS)
    assert stamped.said() == {}, "annotations may be cleared"

    stamped.annotate("bob", f"{ACTION_BY}=eve")
    assert stamped.said() == {}, "a name without an action does not stay"

    first, second = applied_again(stamped)
    assert first["annotations"][ACTION_BY] == "eve"
    assert first["resourceVersion"] == second["resourceVersion"], "GitOps that applies the same again writes nothing"


def applied_again(stamped: Annotated) -> list[dict[str, Any]]:
    """The metadata after two more server-side applies of the same manifest with an action."""
    obj = minimal("ServingDeployment", name="applied")
    obj["metadata"]["annotations"] = {ACTION: "pause", ACTION_ID: "7"}
    where = ("-n", stamped.namespace)

    def applied() -> dict[str, Any]:
        apply = ("apply", "--server-side", "--field-manager=gitops", *where, "-f", "-")
        stamped.cluster.kubectl(*apply, stdin=json.dumps(obj), user="eve")
        found: dict[str, Any] = stamped.cluster.get("sdep", "applied", *where)["metadata"]
        return found

    # The API server itself writes once more at the second apply of a new object, with or without the policy.
    applied()
    return [applied(), applied()]


def test_an_older_cluster_refuses_a_forged_name_and_says_what_is_right(checked: Annotated) -> None:
    refusal = checked.refusal("bob", f"{ACTION}=pause", f"{ACTION_ID}=1", f"{ACTION_BY}=eve")
    assert "metadata.annotations[shipway.dev/action-by] says 'eve' but you are 'bob'; write your own name" in refusal

    checked.annotate("bob", f"{ACTION}=pause", f"{ACTION_ID}=1")
    checked.annotate("bob", f"{ACTION_ID}=2", f"{ACTION_BY}=bob")
    assert checked.said()[ACTION_BY] == "bob"
    assert "you are 'eve'" in checked.refusal("eve", f"{ACTION_ID}=3"), "the old name is not the new one's"


def test_who_takes_up_an_incident_or_closes_it_is_stamped_and_cannot_be_forged(stamped: Annotated) -> None:
    incident = stamped.incident

    def in_force() -> bool:
        incident.annotate("eve", f"{ACKNOWLEDGED_BY}-")
        incident.annotate("eve", f"{ACKNOWLEDGED_BY}=root")
        return incident.said() == {ACKNOWLEDGED_BY: "eve"}

    eventually("the policy about Incidents is in force", in_force)

    incident.annotate("bob", f"{RESOLVED_BY}=eve")
    assert incident.said() == {ACKNOWLEDGED_BY: "eve", RESOLVED_BY: "bob"}, "the other name stays"

    incident.annotate("bob", "note=seen")
    assert incident.said() == {ACKNOWLEDGED_BY: "eve", RESOLVED_BY: "bob"}, "names that do not change stay"

    incident.annotate("bob", f"{ACKNOWLEDGED_BY}=root")
    assert incident.said()[ACKNOWLEDGED_BY] == "bob", "who takes it over does so in their own name"

    incident.annotate("eve", f"{ACKNOWLEDGED_BY}-", f"{RESOLVED_BY}-")
    assert incident.said() == {}, "names may be taken away"


def test_an_older_cluster_lets_nobody_take_up_or_close_an_incident_in_anothers_name(checked: Annotated) -> None:
    incident = checked.incident

    eventually("the policy about Incidents is in force", lambda: incident.wants_own_name(RESOLVED_BY))

    refusal = incident.refusal("bob", f"{ACKNOWLEDGED_BY}=eve")
    assert "metadata.annotations[shipway.dev/acknowledged-by] says 'eve' but you are 'bob'" in refusal
    incident.annotate("bob", f"{ACKNOWLEDGED_BY}=bob", f"{RESOLVED_BY}=bob")
    incident.annotate("eve", "note=seen", f"{ACKNOWLEDGED_BY}=eve", f"{RESOLVED_BY}-")
    assert incident.said() == {ACKNOWLEDGED_BY: "eve"}
