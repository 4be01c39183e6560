"""What the pages for people hold: blocks of YAML and of commands, and the manifests of the examples."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(page for folder in ("docs", "charts") for page in sorted((ROOT / folder).rglob("*.md"))),
]
ELSEWHERE = ("argoproj.io/", "kustomize.toolkit.fluxcd.io/", "kustomize.config.k8s.io/")
"""API groups of tools that are not in the lab, as the pages on them have them."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: Where it is.
        line: The line that it begins at.
        above: What stands on the page before it.
        text: What is in it.
    """

    page: Path
    line: int
    above: str
    text: str

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Its documents, where it is YAML."""
        return list(yaml.safe_load_all(self.text))


def blocks(*languages: str) -> Iterator[Block]:
    """Every block that is marked with one of these; "" is a block without a mark."""
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```", text, flags=re.MULTILINE | re.DOTALL):
            if match[2] in languages:
                above = text[: match.start()]
                yield Block(page, above.count("\n") + 1, above, match[3])


def yaml_blocks() -> Iterator[Block]:
    """Every block of whole YAML documents."""
    return blocks("yaml", "yml")


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every manifest of an example or a page that is for the lab's cluster, with its place."""
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield f"{path.relative_to(ROOT)}: {document['kind']}", document
    for block in yaml_blocks():
        for document in block.documents:
            if "kind" in document and not document["apiVersion"].startswith(ELSEWHERE):
                yield f"{block.place}: {document['kind']}", document
