"""Whoever copies a kubectl command from a page asks for a kind that there is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import pages
from shipway.api.schema import CATEGORY
from shipway.api.v1alpha1 import KINDS

VERBS = {"get", "describe", "annotate", "label", "patch", "edit", "delete", "wait", "top", "apply"}
"""Those that name a kind; `apply` names none, unless somebody takes it for another one."""
WITH_VALUE = {"-n", "--namespace", "--context", "-o", "-l", "--type", "-p", "--for", "-f", "-k", "--field-manager"}
"""Flags whose value is the next word."""
OURS = {CATEGORY, *(name for kind in KINDS for name in (kind.plural, kind.singular, *kind.short_names))}
"""Every name by which kubectl knows our kinds."""
OTHERS = {
    *("nodes", "pods", "events", "crd", "namespace", "httproute"),
    *("clusterservingruntime", "clusterstoragecontainer"),
}
"""Names of kinds of Kubernetes, the Gateway API and KServe that pages mention."""


@dataclass(frozen=True)
class Command:
    """A command of a page, and the kinds that it names."""

    page: str
    text: str
    kinds: tuple[str, ...]


def commands(page: Path) -> Iterator[Command]:
    for text in re.findall(r"kubectl ([^`|#;)\n]+)", page.read_text()):
        words = _without_flags(text.split())
        if len(words) > 1 and words[0] in VERBS:
            kinds = tuple(kind.partition("/")[0] for kind in words[1].split(","))
            yield Command(str(page.relative_to(pages.ROOT)), f"kubectl {text.strip()}", kinds)


def _without_flags(words: list[str]) -> list[str]:
    left, takes_value = list[str](), False
    for word in words:
        if not takes_value and not word.startswith("-"):
            left.append(word)
        takes_value = word in WITH_VALUE
    return left


EVERY = [command for page in pages.PAGES for command in commands(page)]


def test_the_commands_of_pages_are_found() -> None:
    found = {kind for command in EVERY for kind in command.kinds}

    assert {"sdep", "incidents", "incident", "mv", "tj", "trainingjob"} <= found
    assert found >= OTHERS, "one of these is on no page any more"


@pytest.mark.parametrize("command", EVERY, ids=lambda command: f"{command.page}: {command.text}")
def test_every_command_names_a_kind_that_exists(command: Command) -> None:
    assert [kind for kind in command.kinds if kind not in OURS | OTHERS] == []
