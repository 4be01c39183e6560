"""What an incident says of itself as it is handled."""

from typing import Any

import pytest

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.people import ACKNOWLEDGED_BY
from shipway.controllers.incident.reconcile import Snapshot, reconcile

NOW = 1_800_000_000.0
LATER = NOW + 60


def incident(status: dict[str, Any] | None = None, **annotations: str) -> dict[str, Any]:
    spec = {
        "type": "Rollback",
        "subject": {"kind": "ServingDeployment", "name": "ranker", "uid": "u"},
        "model": "ranker",
        "version": "v3",
        "digest": "sha256:3",
        "predictorHash": "p",
        "stableVersion": "v2",
        "owner": "reco",
        "gate": "errors",
        "summary": "errors: 9/40",
        "detectedAt": rfc3339(NOW),
    }
    meta = {"name": "ranker-v3-1", "namespace": "team", "uid": "u-1", "generation": 1, "annotations": annotations}
    return {"kind": "Incident", "metadata": meta, "spec": spec, "status": status or {}}


def subject(confirmed: str | None, about: str = "ranker-v3-1") -> dict[str, Any]:
    abort = {
        "at": rfc3339(NOW),
        "version": "v3",
        "digest": "sha256:3",
        "predictorHash": "p",
        "reason": "GateFailed",
        "incident": about,
    }
    return {"status": {"abort": abort | ({"routeConfirmedAt": confirmed} if confirmed else {})}}


def told(obj: dict[str, Any], about: dict[str, Any] | None = None, now: float = LATER) -> IncidentStatus:
    return IncidentStatus.model_validate(reconcile(Snapshot(obj, about, now)).status)


def said(status: IncidentStatus) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in status.conditions}


def test_it_is_open_until_the_route_is_read_back_on_stable():
    status = told(incident(), subject(None))
    assert said(status)["Mitigated"] == ("False", "Mitigating")
    assert said(status)["Ready"] == ("False", "Open")


def test_it_is_mitigated_when_the_release_says_so():
    status = told(incident(), subject(rfc3339(NOW + 3)))
    assert status.mitigated_at == rfc3339(NOW + 3)
    assert said(status)["Mitigated"] == ("True", "Mitigated")


def test_once_mitigated_it_waits_for_whoever_looks_after_it():
    assert said(told(incident(), subject(rfc3339(NOW + 3))))["Ready"] == ("False", "NotAcknowledged")


def test_the_abort_of_another_incident_mitigates_nothing():
    assert told(incident(), subject(rfc3339(NOW + 3), about="another")).mitigated_at is None


def test_nobody_waits_for_the_route_of_a_deployment_that_is_gone():
    about = Snapshot(incident(), None, LATER, gone=True)
    status = IncidentStatus.model_validate(reconcile(about).status)
    assert said(status)["Mitigated"] == ("True", "Overtaken")
    assert said(status)["Ready"] == ("True", "Resolved")


def ref(version: str) -> dict[str, str]:
    service = f"ranker-{version}"
    return {"version": version, "digest": f"sha256:{version[1:]}", "predictorHash": "p", "inferenceService": service}


def overtaken(id_: str, *running: str) -> dict[str, Any]:
    """A deployment that came to release something before it had read back the route of the rollback."""
    stable, *candidate = [ref(version) for version in running]
    rollout = {"id": id_, "state": "Starting", "startedAt": rfc3339(NOW), "version": "v4", "inferenceService": "c"}
    body = {"stable": stable, "rollout": rollout} | ({"candidate": candidate[0]} if candidate else {})
    return {"status": body}


@pytest.mark.parametrize(
    ("about", "mitigated", "words"),
    [
        (overtaken("v3-1", "v2"), ("False", "Mitigating"), "waiting for the route"),
        (overtaken("v4-2", "v2"), ("True", "Overtaken"), "v3 has no part in ranker any more"),
        (overtaken("v3-2", "v2", "v3"), ("True", "Overtaken"), "v3 is released again"),
    ],
    ids=["its own release", "another release", "the same version once more"],
)
def test_nobody_waits_for_a_route_that_another_release_has_written_since(
    about: dict[str, Any], mitigated: tuple[str, str], words: str
):
    status = told(incident(), about)
    assert said(status)["Mitigated"] == mitigated
    assert words in next(c.message for c in status.conditions if c.type == "Mitigated")
    assert status.seconds_to_mitigate is None


def test_it_stays_mitigated_when_its_deployment_is_gone():
    first = told(incident(), subject(rfc3339(NOW + 3)))
    assert told(incident(first.to_wire()), None).mitigated_at == rfc3339(NOW + 3)


def test_gates_that_cannot_tell_stay_open_while_nothing_is_known_of_the_release():
    obj = incident()
    obj["spec"] |= {"type": "GateError", "quarantine": False}
    assert said(told(obj))["Ready"] == ("False", "Open")
    assert said(told(obj, subject(None)))["Ready"] == ("True", "Resolved")


@pytest.mark.parametrize("type_", ["SLOBurn", "StaleFeatures"])
def test_a_budget_burns_as_long_as_its_deployment_says_so_and_no_longer(type_: str):
    obj = incident()
    obj["spec"] |= {"type": type_, "quarantine": False}
    name = obj["metadata"]["name"]
    burning = {"name": "availability", "state": "Burning", "reason": "BudgetBurning", "incident": name}
    about = subject(None)
    assert said(told(obj))["Ready"] == ("False", "Open")
    assert said(told(obj, {**about, "status": {"objectives": [burning]}}))["Ready"] == ("False", "Open")
    assert said(told(obj, {**about, "status": {"objectives": [burning | {"incident": "o"}]}}))["Ready"][0] == "True"
    over = told(obj, about)
    assert said(over)["Ready"] == ("True", "Resolved")
    assert over.seconds_to_mitigate is None


def test_acknowledged_and_mitigated_is_resolved():
    status = told(incident(**{ACKNOWLEDGED_BY: "ada"}), subject(rfc3339(NOW + 3)))
    assert said(status)["Acknowledged"] == ("True", "Acknowledged")
    assert said(status)["Ready"] == ("True", "Resolved")


def test_a_lift_is_kept_and_told():
    lifted = {"by": "ada", "reason": "repaired", "time": rfc3339(NOW + 30)}
    status = told(incident({"lifted": lifted}))
    assert said(status)["Quarantined"] == ("False", "Lifted")
    assert status.lifted is not None
    assert "repaired" in next(c.message for c in status.conditions if c.type == "Quarantined")


def test_a_version_that_is_not_quarantined_is_not_called_so():
    obj = incident()
    obj["spec"]["quarantine"] = False
    assert "Quarantined" not in said(told(obj))


def test_every_event_is_in_the_timeline_once_and_another_look_changes_nothing():
    obj = incident(**{ACKNOWLEDGED_BY: "ada"})
    first = told(obj, subject(rfc3339(NOW + 3)))
    assert [entry.event for entry in first.timeline] == [
        "errors: v3 taken back",
        "all traffic on v2",
        "acknowledged by ada",
    ]
    again = told({**obj, "status": first.to_wire()}, subject(rfc3339(NOW + 3)), now=LATER + 600)
    assert again == first
