"""Every manifest of an example or a page, and every fragment of one, is taken field by field."""

import re
from typing import Any

import pytest
import yaml

import pages
from admission import admit, schema_of
from manifests import minimal
from shipway.api.schema import API_VERSION

OURS = [(place, document) for place, document in pages.manifests() if document["apiVersion"] == API_VERSION]
FRAGMENTS = [block for block in pages.blocks("") if re.match(r"(gates|spec\.rollout\.\w+):", block.text)]


def paragraph_above(block: pages.Block) -> str:
    """What leads to a block."""
    return block.above.strip().rpartition("\n\n")[2]


SHOWN = [
    block
    for block in pages.yaml_blocks()
    if "docs/how-to/" in block.place and "examples/releases/" in paragraph_above(block)
]


def unknown(value: Any, schema: Any, path: str) -> list[str]:
    """Fields that the schema does not know."""
    if isinstance(value, list):
        return [name for item in value for name in unknown(item, schema["items"], path)]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    strange = [f"{path}.{name}" for name in value if name not in known]
    return strange + [
        name for key in value if key in known for name in unknown(value[key], known[key], f"{path}.{key}")
    ]


def refused(document: dict[str, Any]) -> list[Any]:
    """What the API server would have against it."""
    schema = schema_of(document["kind"])["properties"]["spec"]
    return [*admit(document), *unknown(document["spec"], schema, "spec")]


@pytest.mark.parametrize(("place", "document"), OURS, ids=[place for place, _ in OURS])
def test_a_manifest_is_taken(place: str, document: dict[str, Any]) -> None:
    assert refused(document) == []


@pytest.mark.parametrize("block", FRAGMENTS, ids=[block.place for block in FRAGMENTS])
def test_a_fragment_is_taken_as_a_part_of_a_rollout(block: pages.Block) -> None:
    said = {name.rpartition(".")[2]: value for name, value in yaml.safe_load(block.text).items()}

    assert refused(minimal("ServingDeployment", rollout=said)) == []


@pytest.mark.parametrize("block", SHOWN, ids=[block.place for block in SHOWN])
def test_what_a_how_to_shows_of_an_example_is_the_example(block: pages.Block) -> None:
    (path,) = re.findall(r"\((?:\.\./)*(examples/releases/[\w.-]+)\)", paragraph_above(block))

    assert block.documents == list(yaml.safe_load_all((pages.ROOT / path).read_text()))
