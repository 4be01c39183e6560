"""Figures on pages for people: the text between two marks, and tables."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

END = "<!-- end of figures -->"


def filled(page: str, *, begin: str, text: str) -> str:
    """The page with this text between its marks.

    Args:
        page: Of documentation.
        begin: The first mark; the last is the same on all pages.
        text: What was measured.

    Raises:
        ValueError: the page lacks a mark.
    """
    before, first, rest = page.partition(begin)
    _, last, after = rest.partition(END)
    if not (first and last):
        raise ValueError(f"the page needs the lines {begin} and {END}")
    return f"{before}{begin}\n{text}{END}{after}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def aligned(text: str) -> str:
    """The text with its tables as a terminal needs them: every column as wide as its widest cell."""
    blocks = groupby(text.splitlines(), _is_row)
    return "\n".join(line for is_table, block in blocks for line in (_padded(block) if is_table else block))


def claims(found: Iterable[Mapping[str, Any]]) -> str:
    """A table of claims, each with what was aimed at."""
    rows = [
        (f"`{c['name']}`", f"{c['value']:g} {c['unit']}", c["limit"], "holds" if c["holds"] else "**missed**")
        for c in found
    ]
    return table(("claim", "measured", "aim", ""), rows)


def _is_row(line: str) -> bool:
    return line.startswith("| ")


def _padded(rows: Iterable[str]) -> Iterator[str]:
    cells = [row.removeprefix("| ").removesuffix(" |").split(" | ") for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        rule = row[0] == "---"
        padded = (("-" * width if rule else cell.ljust(width)) for cell, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
