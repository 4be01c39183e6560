"""`kubectl get sdep -o wide` alone tells whoever is on call what happens and why; the page on releases shows it."""

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from shipway.api.conditions import seconds
from shipway.api.v1alpha1.servingdeployment import KIND
from shipway.crdgen.crd import crd
from shipway.kube.resource import Object
from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.test_capacity import short
from unit.controllers.servingdeployment.test_objectives import burning
from unit.controllers.servingdeployment.world import GATES, STEPS, World

PAGE = Path(__file__).resolve().parents[4] / "docs" / "concepts" / "releases.md"


def starting() -> World:
    world = released()
    world.boot["v2"] = float("inf")
    world.change(version="v2")
    world.run(10)
    return world


def stepping(**spec: Any) -> World:
    world = at("v2", 25, **spec)
    world.run(10)
    return world


def held_for_capacity() -> World:
    world = short()
    world.run(10)
    return world


def paused() -> World:
    world = stepping()
    world.act("pause", id_="1", by="ada", reason="sales asked for a look")
    world.run(60)
    return world


def inconclusive() -> World:
    world = at("v2", 5)
    world.rate = 0.0
    world.run(25)
    return world


def taken_back() -> World:
    world = stepping()
    world.errors["v2"] = 0.3
    world.until(lambda: world.ready()[1] == "Quarantined")
    world.run(1)
    return world


def baking() -> World:
    world = released()
    world.change(version="v2")
    world.until(lambda: world.state() == "Baking", within=300)
    world.run(10)
    return world


STATES: Mapping[str, Callable[[], World]] = {
    "the new version starts": starting,
    "a step is under way": stepping,
    "the next step lacks replicas": held_for_capacity,
    "ada paused it": paused,
    "too few have asked": inconclusive,
    "a gate failed": taken_back,
    "it bakes": baking,
    "nothing guards it": lambda: stepping(rollout={"steps": STEPS, "gates": []}),
    "an error budget burns": burning,
}


def wide(sdep: Object, *, now: float) -> dict[str, str]:
    """The cells of a row by their headings, as the API server fills in a CRD's columns and kubectl prints them."""
    columns = crd(KIND)["spec"]["versions"][0]["additionalPrinterColumns"]
    cells = {column["name"].upper(): _cell(sdep, column, now) for column in columns}
    return {"NAME": sdep["metadata"]["name"]} | cells


def _cell(sdep: Object, column: Mapping[str, Any], now: float) -> str:
    found = _at(sdep, column["jsonPath"])
    if found is None:
        return ""
    return f"{now - seconds(found):.0f}s" if column["type"] == "date" else str(found)


def _at(found: Any, path: str) -> Any:
    """What a simple JSONPath leads to: names, and choices of an item by one of its fields."""
    for name, field, wanted in re.findall(r"\.(\w+)|\[\?\(@\.(\w+)=='([^']*)'\)\]", path):
        if found is not None:
            found = found.get(name) if name else next((item for item in found if item.get(field) == wanted), None)
    return found


def _row(world: World) -> dict[str, str]:
    # Which number a pod has depends on all that was written before it.
    return {
        name: re.sub(r"pod (ranker-v\d)-\S+:", r"pod \1-predictor-x2j7q:", cell)
        for name, cell in wide(world.sdep, now=world.now).items()
    }


def _table() -> dict[str, dict[str, str]]:
    """The rows of the page's table by what happens, with their cells by heading."""
    lines = [line for line in PAGE.read_text().split("\n") if line.startswith("| ")]
    first = next(number for number, line in enumerate(lines) if line.startswith("| what happens | "))
    head, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[first:] if "---" not in line)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows[: len(STATES)]}


def _printed(rows: list[dict[str, str]]) -> list[str]:
    """Heading and rows as kubectl prints them: padded to the longest cell and three blanks."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(len(line[place]) for line in lines) + 3 for place in range(len(lines[0]))]
    return ["".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


@pytest.mark.parametrize("state", STATES)
def test_a_row_says_what_happens_and_why_and_the_page_shows_it_as_it_is(state: str):
    shown, row = _table()[state], _row(STATES[state]())
    assert shown == {name: row[name] for name in shown}, "put the row into the table of docs/concepts/releases.md"


def test_the_page_shows_no_state_that_nobody_makes():
    assert list(_table()) == list(STATES)


def test_the_page_shows_heading_and_row_as_kubectl_prints_them():
    printed = "\n".join(_printed([_row(stepping())]))
    assert f"$ kubectl -n team get sdep -o wide\n{printed}\n```" in PAGE.read_text(), printed


def test_an_object_that_an_older_operator_wrote_has_no_step_and_every_other_cell():
    world = stepping()
    old = copy.deepcopy(world.sdep)
    del old["status"]["rollout"]["step"]
    assert wide(old, now=world.now) == wide(world.sdep, now=world.now) | {"STEP": ""}


@pytest.mark.parametrize("state", ["starting", "baking", "serving", "taken back"])
def test_there_is_a_step_only_while_the_sentence_has_one(state: str):
    worlds = {"starting": starting, "baking": baking, "serving": released, "taken back": taken_back}
    row = _row(worlds[state]())
    assert "(step " not in row["SUMMARY"]
    assert row["STEP"] == ""


class TestPause:
    def test_stops_the_clock_of_the_step_in_the_sentence(self):
        assert "(step 2/4, 9 s of 30 s): paused by ada" in paused().status.summary

    def test_by_somebody_unknown_without_a_reason_says_that(self):
        world = stepping()
        world.act("pause", id_="1", by="", reason="")
        world.run(1)
        assert "paused by unknown since" in world.status.summary
        assert "(no reason given)" in world.status.summary

    def test_of_the_gates_names_nobody_though_a_person_paused_before(self):
        world = at("v2", 5, rollout={"steps": STEPS, "gates": GATES, "inconclusive": {"holdSeconds": 15}})
        for number, verb in enumerate(("pause", "resume")):
            world.act(verb, id_=str(number), by="ada")
            world.run(2)
        world.rate = 0.0
        world.until(lambda: world.state() == "Paused")
        assert "ada" not in world.status.summary
        assert "because a gate could not tell" in world.status.summary


class TestBurningBudget:
    def test_is_told_in_mid_release_as_well(self):
        world = burning()
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        world.run(1)
        assert world.status.summary.startswith("v2 at 25 % (step 2/")
        assert "; the error budget of availability burns: " in world.status.summary

    def test_is_not_cut_off_however_long_the_sentence_before_it_is(self):
        world = burning()
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 25)
        world.act("abort", id_="1")
        world.until(lambda: world.ready()[1] == "Quarantined")
        rollback = next(each for each in world.incidents() if each["spec"]["type"] == "Rollback")
        world.put({**rollback, "spec": rollback["spec"] | {"summary": "x" * 1000}})
        world.reconcile()
        assert len(world.status.summary) == 1024
        assert world.status.summary.endswith(f"(Incident {world.status.objectives[0].incident})")

    def test_is_told_no_more_when_it_is_over(self):
        world = burning()
        world.change(objectives=[])
        world.reconcile()
        assert world.status.summary == "v1 answers at ranker.example.com"


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (World, "v1 is a first version, with nothing to compare it with"),
        (lambda: stepping(rollout={"steps": STEPS, "gates": []}), "no gates are declared, so a bad version"),
        (
            lambda: stepping(rollout={"steps": STEPS, "gates": [GATES[0] | {"onFail": "Observe"}]}),
            "no gate may take a bad version back; declare one with onFail: Abort",
        ),
    ],
    ids=["a first version", "no gates", "gates that only observe"],
)
def test_a_release_without_a_guard_says_so(begin: Callable[[], World], words: str):
    world = begin()
    world.tick()
    assert f"; not guarded: {words}" in world.status.summary
    assert world.condition("Guarded")[0] == "False"


def test_one_that_is_guarded_and_one_that_is_over_do_not():
    assert "not guarded" not in stepping().status.summary
    assert "not guarded" not in released(rollout={"steps": STEPS, "gates": []}).status.summary
