"""Every link of a page leads somewhere, to the very heading it names, and every page is found by one."""

import re
from pathlib import Path

import pytest

import pages

LINKED = [
    *pages.PAGES,
    *(page for folder in ("benchmarks", "lab", "tests") for page in sorted((pages.ROOT / folder).rglob("*.md"))),
]
_FENCED = re.compile(r"^( *)```.*?^\1```", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    """Where a page links to within the repository."""
    found = _LINK.findall(re.sub(r"`[^`\n]*`", "", _FENCED.sub("", page.read_text())))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", page.read_text()), flags=re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in plain}


def broken(page: Path, link: str) -> bool:
    """Whether nothing is there."""
    path, _, anchor = link.partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists() or not there.is_relative_to(pages.ROOT):
        return True
    return bool(anchor) and there.suffix == ".md" and anchor not in anchors(there)


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if broken(page, link)] == []


def test_every_page_of_the_documentation_is_linked_from_another() -> None:
    linked = {
        (page.parent / path).resolve()
        for page in LINKED
        for path in (link.partition("#")[0] for link in links(page))
        if path and (page.parent / path).resolve() != page
    }

    assert [str(page) for page in sorted((pages.ROOT / "docs").rglob("*.md")) if page not in linked] == []
