"""Numbers of answers on the page about margins are those that the analysis computes."""

import re
from math import inf

import pages
from shipway.analysis.gates import Tolerance
from shipway.analysis.samples import expected_to_fail
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment.alpha import of_gates, part_of_step

PAGE = (pages.ROOT / "docs/how-to/choose-gates.md").read_text()
HEAD = "| bad answers of the new version |"


def needed(bad: float, margin: float) -> str:
    rules = Rollout()
    tolerance = Tolerance(margin, 30, alpha=of_gates(rules)["errors"], step=part_of_step(rules, load=5))
    answers = expected_to_fail(tolerance, stable=0.01, candidate=bad)
    return "never" if answers == inf else str(round(answers))


def test_the_page_says_how_many_answers_a_margin_takes() -> None:
    head, _, *rows = PAGE[PAGE.index(HEAD) :].partition("\n\n")[0].splitlines()
    margins = [float(found) for found in re.findall(r"margin ([\d.]+)", head)]

    assert len(rows) == 4
    for row in rows:
        share, *said = [cell.strip() for cell in row.strip("|").split("|")]
        assert said == [needed(float(share.rstrip(" %")) / 100, margin) for margin in margins], share
