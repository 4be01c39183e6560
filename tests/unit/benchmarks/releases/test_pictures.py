"""The pictures of the pages are drawn from what the analysis computes, and can be read by everybody."""

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.releases.pictures import alpha, change, svg, verdicts
from benchmarks.releases.pictures.gallery import drawn
from shipway.api.v1alpha1.gates import Verdict

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "docs" / "pictures"
NS = "{http://www.w3.org/2000/svg}"
PICTURES = drawn()
Box = tuple[float, float, float, float]


def test_the_committed_pictures_are_what_is_drawn() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == PICTURES, "run make pictures"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_told_to_those_who_do_not_see_it(name: str) -> None:
    root = ET.fromstring(PICTURES[name])
    named = {found.get("id"): found.text for tag in ("title", "desc") for found in root.iter(NS + tag)}

    assert root.get("role") == "img"
    assert all(named[id_] for id_ in (root.get("aria-labelledby") or "nobody").split())


@pytest.mark.parametrize("name", PICTURES)
def test_every_style_of_a_picture_has_a_colour_on_light_and_on_dark_paper(name: str) -> None:
    light, dark = PICTURES[name].split("@media (prefers-color-scheme:dark)")
    used = {style for found in re.findall(r'class="([^"]+)"', PICTURES[name]) for style in found.split()} - {"strong"}

    assert used <= svg.STYLES
    for style in used:
        colours = [re.search(rf"\.{style}{{(?:fill|stroke):(#\w+)", part) for part in (light, dark)]
        assert len({found[1] for found in colours if found}) == 2, style


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_of_a_picture_lies_on_another_or_beyond_the_edge(name: str) -> None:
    root = ET.fromstring(PICTURES[name])
    texts = [(found.text, _box(found)) for found in root.iter(NS + "text")]

    assert [words for words, (left, _, right, _) in texts if left < 0 or right > float(root.get("width") or 0)] == []
    assert [(a, b) for (a, one), (b, other) in combinations(texts, 2) if _overlap(one, other)] == []


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_light(name: str) -> None:
    assert len(PICTURES[name]) < 25_000


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_on_a_page(name: str) -> None:
    pages = [page.read_text() for page in (ROOT / "docs").rglob("*.md")]

    assert any(f"pictures/{name})" in page for page in pages)


def test_each_of_four_verdicts_is_the_end_of_its_chart() -> None:
    shown = verdicts.panels()

    assert [panel.verdict for panel in shown] == [panel.looks[-1].judgement.verdict for panel in shown]
    assert {panel.verdict for panel in shown} == set(Verdict) - {Verdict.ERROR}


def test_the_charts_show_the_interval_within_the_margin_only_where_the_verdict_is_pass() -> None:
    for panel in verdicts.panels():
        last = panel.looks[-1].judgement
        assert (last.upper <= verdicts.MARGIN) == (panel.verdict is Verdict.PASS)


def test_after_long_health_the_detector_rings_long_before_a_test_that_adds_up() -> None:
    seen = change.moments()
    rang = change.first(seen, lambda moment: moment.detector >= change.limit())
    added = change.first(seen, lambda moment: moment.adding_up >= change.limit())

    assert rang.seconds * 5 < added.seconds


def test_the_parts_of_alpha_on_the_picture_make_up_the_whole() -> None:
    gates, steps, tests = alpha.of_release(), alpha.of_gate(), alpha.of_first_step()

    assert sum(part.share for part in gates) == pytest.approx(0.05)
    assert sum(part.share for part in steps) == pytest.approx(gates[0].share)
    assert sum(part.share for part in tests) == pytest.approx(steps[1].share)
    assert all(sooner.share >= later.share for sooner, later in pairwise(steps[1:]))


def _box(found: ET.Element) -> Box:
    """Left, top, right and bottom of a text, about."""
    x, y, width = float(found.get("x") or 0), float(found.get("y") or 0), svg.width_of(found.text or "")
    left = {"start": x, "middle": x - width / 2, "end": x - width}[found.get("text-anchor", "start")]
    return left, y - svg.SIZE * 0.75, left + width, y + svg.SIZE * 0.25


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
