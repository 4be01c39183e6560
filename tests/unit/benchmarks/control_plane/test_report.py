"""The figures on the page about scale are those of the committed results."""

import json
from pathlib import Path

from report import filled

ROOT = Path(__file__).resolve().parents[4]


def test_the_page_says_what_was_measured() -> None:
    page = (ROOT / "docs/scale.md").read_text()
    results = json.loads((ROOT / "benchmarks/results/control-plane.json").read_text())

    assert filled(page, results) == page, "run make bench-report"
