"""The figures on the page about releases are those of the committed results, and so are the claims."""

import json
from pathlib import Path

from benchmarks.releases.answers import Run
from benchmarks.releases.claims import claims
from benchmarks.releases.report import SAID, filled
from benchmarks.releases.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parents[4]
RESULTS = json.loads((ROOT / "benchmarks/results/releases.json").read_text())


def test_the_page_says_what_was_measured() -> None:
    page = (ROOT / "docs/release-speed.md").read_text()
    assert filled(page, RESULTS) == page, "run make bench-releases-report"


def test_the_claims_are_those_of_the_runs() -> None:
    runs = [Run.from_json(found) for found in RESULTS["runs"]]
    assert claims(runs, RESULTS["disturbed"], RESULTS["simulated"]) == RESULTS["claims"]


def test_every_scenario_has_words_for_people() -> None:
    assert set(SAID) == set(SCENARIOS)
