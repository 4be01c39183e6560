"""The way from a metric to what the version was made of names what stable was made of otherwise."""

from typing import Any

import pytest

from manifests import DIGEST, minimal
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.controllers.incident.cause import suspects
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from shipway.kube.resource import Object
from unit.controllers.incident.test_reconcile import LATER, incident

OLD, NEW = "sha256:" + "0a" * 32, "sha256:" + "0b" * 32


def version(name: str, **lineage: Any) -> Object:
    return minimal("ModelVersion", name=f"ranker-{name}", version=name, lineage=lineage)


def taken_back() -> Object:
    obj = incident()
    obj["spec"]["digest"] = DIGEST
    return obj


def found(new: Object | None, old: Object | None, type_: str = "Rollback") -> list[tuple[str, str, bool]]:
    spec = IncidentSpec.model_validate({**taken_back()["spec"], "type": type_})
    return [(one.step, one.name, one.changed) for one in suspects(spec, new, old)]


def ratings(digest: str) -> list[dict[str, str]]:
    return [{"name": "ratings", "digest": digest, "uri": "s3://lake/ratings"}]


def clicks(uri: str) -> list[dict[str, str]]:
    return [{"name": "clicks", "uri": uri}]


def test_the_way_leads_from_the_metric_to_the_data():
    new = version("v3", codeRevision="c2", datasets=ratings(NEW), parameters={"epochs": "4", "lr": "1"})
    old = version("v2", codeRevision="c1", datasets=ratings(OLD), parameters={"epochs": "2", "lr": "1"})
    assert found(new, old) == [
        ("Metric", "errors", False),
        ("Version", "v3", False),
        ("Code", "code", True),
        ("Parameter", "epochs", True),
        ("Snapshot", "ratings", True),
        ("Upstream", "ratings", False),
    ]


def test_the_way_goes_on_to_the_features_and_to_what_fills_them():
    new = version("v3", datasets=ratings(NEW), featureViews=clicks("kafka://clicks-2"))
    old = version("v2", datasets=ratings(NEW), featureViews=clicks("kafka://clicks"))
    for type_ in ("Rollback", "SLOBurn"):
        assert found(new, old, type_)[2:] == [
            ("Snapshot", "ratings", False),
            ("Upstream", "ratings", False),
            ("Features", "clicks", False),
            ("Upstream", "clicks", True),
        ]


def test_features_that_only_one_of_the_two_reads_are_a_change():
    assert found(version("v3", featureViews=clicks("")), version("v2"))[2:] == [("Features", "clicks", True)]
    assert found(version("v3"), version("v2", featureViews=clicks("")))[2:] == [("Features", "clicks", True)]


def test_stale_features_lead_to_what_fills_them_and_not_to_the_code():
    same = version("v3", codeRevision="c1", datasets=ratings(NEW), featureViews=clicks("kafka://clicks"))
    assert found(same, same, "StaleFeatures") == [
        ("Metric", "errors", False),
        ("Version", "v3", False),
        ("Features", "clicks", False),
        ("Upstream", "clicks", False),
    ]


def test_where_nobody_has_named_the_features_stale_ones_lead_to_the_data():
    new = version("v3", codeRevision="c1", datasets=ratings(NEW))
    assert [step for step, *_ in found(new, new, "StaleFeatures")] == ["Metric", "Version", "Snapshot", "Upstream"]


@pytest.mark.parametrize("type_", ["GateError", "OfANewerOperator"])
def test_gates_that_cannot_tell_lead_no_further_than_to_the_version(type_: str):
    assert [step for step, *_ in found(version("v3", codeRevision="c1"), None, type_)] == ["Metric", "Version"]


def test_a_hang_leads_to_the_program_and_to_what_it_reads_and_writes():
    spec = IncidentSpec.model_validate({**taken_back()["spec"], "type": "TrainingHang", "digest": "", "gate": "hang"})
    job = minimal("TrainingJob")
    assert [(one.step, one.name, one.detail) for one in suspects(spec, None, None, job)] == [
        ("Metric", "hang", "errors: 9/40"),
        ("Version", "v3", "to be made"),
        ("Code", "recipe", "ranker"),
        ("Upstream", "storage", job["spec"]["storage"]["uri"]),
    ]
    job["status"] = {"image": "image:1"}
    assert ("Code", "image:1") in [(one.step, one.detail) for one in suspects(spec, None, None, job)]
    assert suspects(spec, None, None) == []


def test_what_stable_was_made_of_as_well_has_not_changed():
    same = {"codeRevision": "c1", "datasets": ratings(OLD)}
    assert {changed for *_, changed in found(version("v3", **same), version("v2", **same))} == {False}


def test_without_a_stable_version_nothing_is_called_changed():
    assert {changed for *_, changed in found(version("v1", datasets=ratings(NEW)), None)} == {False}


def test_data_that_is_no_longer_used_is_a_change():
    assert ("Snapshot", "ratings", True) in found(version("v3"), version("v2", datasets=ratings(OLD)))


def test_nothing_is_said_of_a_version_that_is_unknown_or_another_artifact():
    another = version("v3")
    another["spec"]["digest"] = NEW
    assert found(None, None) == found(another, None) == []


def test_what_was_found_stays_when_the_version_is_gone():
    first = reconcile(Snapshot(taken_back(), None, LATER, version=version("v3", datasets=ratings(NEW)))).status
    again = reconcile(Snapshot({**taken_back(), "status": first}, None, LATER)).status
    assert IncidentStatus.model_validate(again).suspects == IncidentStatus.model_validate(first).suspects != []
