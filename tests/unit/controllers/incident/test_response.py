"""How long an incident took is in its status, and once in the histograms."""

import pytest
from prometheus_client import CollectorRegistry

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentStatus
from shipway.controllers.incident.response import ResponseTimes
from unit.controllers.incident.test_reconcile import NOW, incident, subject, told


def test_the_times_are_those_between_share_decision_and_route() -> None:
    obj = incident()
    obj["spec"]["exposedAt"] = rfc3339(NOW - 7)
    status = told(obj, subject(rfc3339(NOW + 3)))

    assert (status.seconds_to_detect, status.seconds_to_mitigate) == (7, 3)


@pytest.mark.parametrize(
    ("exposed", "confirmed", "times"),
    [(None, None, (None, None)), (None, NOW + 3, (None, 3)), (NOW + 1, NOW - 1, (0, 0))],
    ids=["open, never exposed", "never exposed", "turned round by rounding"],
)
def test_what_is_not_known_is_left_out_and_nothing_is_negative(
    exposed: float | None, confirmed: float | None, times: tuple[int | None, int | None]
) -> None:
    obj = incident()
    obj["spec"] |= {"exposedAt": rfc3339(exposed)} if exposed else {}
    status = told(obj, subject(rfc3339(confirmed) if confirmed else None))

    assert (status.seconds_to_detect, status.seconds_to_mitigate) == times


def test_gates_that_could_not_tell_are_no_time_that_anybody_suffered() -> None:
    obj = incident()
    obj["spec"] |= {"type": "GateError", "quarantine": False}
    status = told(obj, subject(None))

    assert status.mitigated_at is not None
    assert (status.seconds_to_detect, status.seconds_to_mitigate) == (None, None)


def test_an_incident_is_counted_once_however_often_it_is_looked_at() -> None:
    registry = CollectorRegistry()
    times = ResponseTimes(registry)
    spec = IncidentSpec.model_validate({**incident()["spec"], "severity": "Critical"})
    after = IncidentStatus(mitigated_at=rfc3339(NOW + 3), seconds_to_detect=7, seconds_to_mitigate=3)
    for _ in range(2):
        times.take("a", spec, IncidentStatus(), after)
    times.take("seen by the process before", spec, after, after)
    times.take("still open", spec, IncidentStatus(), IncidentStatus())

    def value(name: str) -> float | None:
        return registry.get_sample_value(f"shipway_incident_time_to_{name}", {"severity": "Critical"})

    assert (value("detect_seconds_count"), value("detect_seconds_sum")) == (1, 7)
    assert (value("mitigate_seconds_count"), value("mitigate_seconds_sum")) == (1, 3)
