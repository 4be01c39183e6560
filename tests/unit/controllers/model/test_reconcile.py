from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.controllers.model.controller import ModelController
from shipway.kube.resource import INCIDENT, MODEL, MODEL_VERSION, Key, Object
from unit.controllers.world import World, conditions, ready

KEY = Key("Model", "team", "ranker")
DIGEST = "sha256:" + "a" * 64


class Registry:
    def __init__(self) -> None:
        self.world = World()
        self.controller = ModelController()
        self.world.put(
            {
                "apiVersion": MODEL.api_version,
                "kind": "Model",
                "metadata": {"name": "ranker"},
                "spec": {"owner": {"team": "reco"}, "aliases": []},
            }
        )

    @property
    def model(self) -> Object:
        return self.world.get(MODEL, "team", "ranker")

    @property
    def status(self) -> dict[str, Any]:
        return self.model["status"]

    def publish(self, version: str, *, is_ready: bool = True, model: str = "ranker", digest: str = "") -> None:
        self.world.now += 1
        told = {
            "type": "Ready",
            "status": str(is_ready),
            "reason": "Verified",
            "lastTransitionTime": "2026-11-24T12:00:00Z",
        }
        self.world.put(
            {
                "kind": MODEL_VERSION.kind,
                "metadata": {"name": f"{model}-{version}"},
                "spec": {"modelName": model, "version": version, "digest": digest or f"sha256:{version:0>64}"},
                "status": {"conditions": [told]},
            }
        )

    def alias(self, **aliases: str) -> None:
        self.world.now += 1
        spec = {"aliases": [{"name": name, "version": version} for name, version in aliases.items()]}
        self.world.change(MODEL, "ranker", spec)
        self.settle()

    def incident(self, name: str, *, lifted: bool = False, **spec: Any) -> None:
        self.world.put(
            {
                "kind": INCIDENT.kind,
                "metadata": {"name": name},
                "spec": {
                    "type": "Rollback",
                    "subject": {"kind": "ServingDeployment", "name": "ranker"},
                    "model": "ranker",
                    "version": "v3",
                    "digest": DIGEST,
                    "predictorHash": "p1",
                    "owner": "reco",
                    "gate": "errors",
                    "summary": "errors 7 of 31",
                    "detectedAt": "2026-11-24T12:00:00Z",
                    "quarantine": True,
                    **spec,
                },
                "status": {"lifted": {"by": "ada", "time": "2026-11-24T13:00:00Z"}} if lifted else {},
            }
        )
        self.settle()

    def settle(self) -> None:
        self.world.settle(self.controller, KEY)

    def moves(self) -> list[tuple[str, str, str]]:
        return [(c["name"], c["fromVersion"], c["toVersion"]) for c in self.status["aliasHistory"]]


def test_a_registered_model_without_versions_is_ready_and_says_so():
    r = Registry()
    r.settle()
    assert ready(r.model) == ("True", "NoVersion")
    assert r.status["versions"] == 0


def test_the_latest_version_is_the_newest_ready_one_of_this_model():
    r = Registry()
    r.publish("v1")
    r.publish("v2")
    r.publish("v3", is_ready=False)
    r.publish("v9", model="other")
    r.settle()
    assert (r.status["versions"], r.status["latestVersion"]) == (3, "v2")
    assert ready(r.model) == ("True", "Resolved")


def test_a_version_that_is_held_back_is_not_the_latest():
    r = Registry()
    r.publish("v2")
    r.publish("v3", digest=DIGEST)
    r.incident("ranker-v3")
    assert r.status["latestVersion"] == "v2"
    r.incident("ranker-v3", lifted=True)
    assert r.status["latestVersion"] == "v3"


def test_moves_of_an_alias_are_history():
    r = Registry()
    r.publish("v1")
    r.publish("v2")
    r.alias(champion="v1")
    r.alias(champion="v2")
    r.alias()
    assert r.moves() == [("champion", "", "v1"), ("champion", "v1", "v2"), ("champion", "v2", "")]
    assert [note.message for note in r.world.notes] == [
        "champion: nothing -> v1",
        "champion: v1 -> v2",
        "champion: v2 -> nothing",
    ]


def test_an_alias_that_leads_nowhere_is_told_and_moves_when_its_version_comes():
    r = Registry()
    r.publish("v1")
    r.alias(champion="v1")
    r.alias(champion="v2")
    assert ready(r.model) == ("False", "AliasDangling")
    assert "champion -> v2" in conditions(r.model)["Ready"]["message"]
    assert r.status["aliases"] == []
    r.publish("v2")
    r.settle()
    assert ready(r.model) == ("True", "Resolved")
    assert r.moves() == [("champion", "", "v1"), ("champion", "v1", "v2")]


def test_history_is_bounded():
    r = Registry()
    r.publish("v1")
    r.publish("v2")
    for number in range(60):
        r.alias(champion=f"v{number % 2 + 1}")
    assert len(r.status["aliasHistory"]) == 50
    assert r.moves()[-1] == ("champion", "v1", "v2")


def test_open_incidents_are_quarantines():
    r = Registry()
    r.incident("older", detectedAt="2026-11-24T11:00:00Z")
    r.incident("newer")
    r.incident("other-configuration", predictorHash="p2")
    r.incident("lifted", predictorHash="p3", lifted=True)
    r.incident("note-only", predictorHash="p4", quarantine=False)
    r.incident("other-model", predictorHash="p5", model="other")
    held = {(q["predictorHash"], q["incident"]) for q in r.status["quarantined"]}
    assert held == {("p1", "newer"), ("p2", "other-configuration")}
    assert r.status["quarantined"][0]["reason"] == "errors 7 of 31"


def test_a_lifted_incident_ends_the_quarantine():
    r = Registry()
    r.incident("one")
    r.incident("one", lifted=True)
    assert r.status["quarantined"] == []


def test_a_quiet_model_is_not_written_to():
    r = Registry()
    r.publish("v1")
    r.alias(champion="v1")
    writes = r.world.writes
    r.world.now += 3600
    r.settle()
    assert r.world.writes == writes


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["v1", "v2", "v3", "missing"])), max_size=12))
def test_history_tells_where_every_alias_is(moves: list[dict[str, str]]):
    r = Registry()
    for version in ("v1", "v2", "v3"):
        r.publish(version)
    resolved: dict[str, str] = {}
    for aliases in moves:
        r.alias(**aliases)
        resolved = {name: v for name, v in {**resolved, **aliases}.items() if name in aliases}
        told = {}
        for change in r.status["aliasHistory"]:
            assert change["fromVersion"] == told.get(change["name"], ""), "each move starts where the last one ended"
            assert change["fromVersion"] != change["toVersion"]
            told[change["name"]] = change["toVersion"]
        assert all(told[name] == version for name, version in aliases.items() if version != "missing")


@pytest.mark.parametrize("watched", [MODEL_VERSION, INCIDENT])
def test_versions_and_incidents_wake_their_model(watched: Any):
    r = Registry()
    r.publish("v1")
    r.incident("one")
    watch = next(w for w in r.controller.watches if w.resource == watched)
    assert [key for obj in r.world.list(watched, "team") for key in watch.affects(obj, r.world)] == [KEY]
