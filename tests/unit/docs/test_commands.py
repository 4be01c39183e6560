"""Commands on a page can be typed as they stand: `shipway` knows its own, the operator reads the annotations."""

import re
import shlex
from collections.abc import Iterator

import pytest

import pages
from shipway.api import labels
from shipway.api.schema import GROUP
from shipway.api.v1alpha1.servingdeployment import Verb
from shipway.cli.main import parser
from shipway.controllers.incident.people import ACKNOWLEDGED_BY, RESOLVED_BY

READ = {labels.ACTION, labels.ACTION_ID, labels.ACTION_REASON, labels.ACTION_TO, ACKNOWLEDGED_BY, RESOLVED_BY}


def commands() -> Iterator[tuple[str, str]]:
    """Every line of a shell block with its place; lines that go on are one."""
    for block in pages.blocks("sh", "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            yield block.place, line.partition("  #")[0].strip()


COMMANDS = list(commands())
OURS = [(place, line) for place, line in COMMANDS if re.match(r"shipway (?!lab|completion)", line)]
ANNOTATED = [(place, line) for place, line in COMMANDS if "annotate" in line]
ACTED = [(place, line) for place, line in COMMANDS if re.match(r"act \w", line)]


@pytest.mark.parametrize(("place", "line"), OURS, ids=[f"{place} {line}" for place, line in OURS])
def test_a_command_of_ours_is_one_that_shipway_knows(place: str, line: str) -> None:
    words = shlex.split(line.partition(" > ")[0])[1:]

    assert parser().parse_args(words).run is not None


@pytest.mark.parametrize(("place", "line"), ANNOTATED, ids=[place for place, _ in ANNOTATED])
def test_an_annotation_on_a_page_is_one_that_the_operator_reads(place: str, line: str) -> None:
    assert set(re.findall(rf"{re.escape(GROUP)}/[a-z-]+?(?==|-(?:\s|$))", line)) - READ == set()
    assert GROUP in line


@pytest.mark.parametrize(("place", "line"), ACTED, ids=[f"{place} {line}" for place, line in ACTED])
def test_a_verb_on_a_page_is_one_that_the_operator_knows(place: str, line: str) -> None:
    assert shlex.split(line)[1] in set(Verb)
