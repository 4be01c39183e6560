"""A claim holds or it does not; a report without claims proves nothing."""

import json
from pathlib import Path

import pytest

from shipway_demo.claims import Report, claim


@pytest.mark.parametrize(
    ("value", "limit", "holds"),
    [
        (12.0, ("<=", 12), True),
        (12.01, ("<=", 12), False),
        (0, ("==", 0), True),
        (1, ("==", 0), False),
        (2000, (">=", 2000), True),
        (0.771, (">", 0.771), False),
        (True, ("==", True), True),
        (False, ("==", True), False),
    ],
)
def test_a_claim_is_judged_by_its_limit(value: float, limit: tuple[str, float], holds: bool) -> None:
    assert claim("x", value, "s", limit).holds is holds


def test_the_value_is_judged_before_it_is_rounded_for_show() -> None:
    made = claim("x", 12.00001, "s", ("<=", 12))
    assert (made.value, made.holds) == (12.0, False)


def test_a_report_holds_only_with_claims_that_all_hold() -> None:
    report = Report()
    assert not report.holds
    report.add(claim("a", 1, "", ("==", 1)))
    assert report.holds
    report.add(claim("b", 2, "", ("==", 1)))
    assert not report.holds


def test_the_report_is_written_with_machine_seconds_and_claims(tmp_path: Path) -> None:
    report = Report(seconds=1.23)
    report.add(claim("v2_failed_requests", 0, "", ("==", 0)))
    report.write(tmp_path / "r.json")
    body = json.loads((tmp_path / "r.json").read_text())
    assert set(body) == {"machine", "seconds", "claims"}
    assert body["claims"] == [
        {"name": "v2_failed_requests", "value": 0, "unit": "", "limit": "== 0", "holds": True},
    ]
