"""The Kubernetes API conventions, held over every generated CRD."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from shipway.api.schema import Kind
from shipway.api.v1alpha1 import KINDS
from shipway.crdgen.crd import crd, root_schema
from shipway.crdgen.structural import Schema

BIGGEST_CRD_BYTES = 256 * 1024
"""`kubectl apply` on the client side keeps the manifest in an annotation of at most this size."""
TIME_NAMES = re.compile(r"(At|Time|^time|^at|^since|Since)$")
DURATION_NAMES = re.compile(r"(Timeout|Delay|Period|Duration|Interval|Deadline)$")


@dataclass(frozen=True)
class Field:
    """One schema node with its place."""

    kind: str
    path: str
    name: str
    schema: Schema

    @property
    def where(self) -> str:
        return f"{self.kind}: {self.path}"


def _fields(kind: str, schema: Schema, path: str, name: str) -> Iterator[Field]:
    yield Field(kind, path, name, schema)
    for key, child in schema.get("properties", {}).items():
        yield from _fields(kind, child, f"{path}.{key}", key)
    if "items" in schema:
        yield from _fields(kind, schema["items"], f"{path}[]", name)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _fields(kind, schema["additionalProperties"], f"{path}.*", name)


def _all(*sections: str) -> list[Field]:
    return [
        field
        for kind in KINDS
        for section in sections
        for field in _fields(kind.kind, root_schema(kind)["properties"][section], section, section)
    ]


EVERYTHING = _all("spec", "status")
SPECS = _all("spec")
KIND_IDS = [kind.kind for kind in KINDS]


def test_nothing_is_a_float() -> None:
    assert [f.where for f in EVERYTHING if f.schema.get("type") == "number"] == []


def test_every_text_has_a_bound() -> None:
    texts = [f for f in EVERYTHING if f.schema.get("type") == "string"]

    assert [f.where for f in texts if "maxLength" not in f.schema and "enum" not in f.schema] == []


def test_every_list_has_a_bound_and_says_how_it_merges() -> None:
    lists = [f for f in EVERYTHING if f.schema.get("type") == "array"]

    assert lists
    assert [f.where for f in lists if "maxItems" not in f.schema] == []
    assert [f.where for f in lists if f.schema.get("x-kubernetes-list-type") not in {"atomic", "map", "set"}] == []


def test_every_merge_key_is_required_or_has_a_default() -> None:
    for field in EVERYTHING:
        for key in field.schema.get("x-kubernetes-list-map-keys", ()):
            item = field.schema["items"]
            assert key in item.get("required", ()) or "default" in item["properties"][key], f"{field.where}: {key}"


def test_every_map_has_a_bound() -> None:
    maps = [f for f in EVERYTHING if "additionalProperties" in f.schema]

    assert [f.where for f in maps if "maxProperties" not in f.schema] == []


def test_every_integer_says_its_size() -> None:
    integers = [f for f in EVERYTHING if f.schema.get("type") == "integer"]

    assert [f.where for f in integers if f.schema.get("format") not in {"int32", "int64"}] == []


def test_names_are_camel_case() -> None:
    assert [f.where for f in EVERYTHING if not re.fullmatch(r"[a-z][A-Za-z0-9]*", f.name)] == []


def test_enum_values_are_camel_case() -> None:
    values = [(f.where, v) for f in EVERYTHING for v in f.schema.get("enum", ())]

    assert [pair for pair in values if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", pair[1])] == []


def test_durations_are_named_with_their_unit() -> None:
    assert [f.where for f in EVERYTHING if DURATION_NAMES.search(f.name)] == []
    seconds = [f for f in EVERYTHING if f.name.lower().endswith("seconds")]
    assert [f.where for f in seconds if f.schema["type"] != "integer"] == []


def test_times_are_times() -> None:
    named = [f for f in EVERYTHING if TIME_NAMES.search(f.name) and f.schema.get("type") == "string"]

    assert named
    assert [f.where for f in named if f.schema.get("format") != "date-time"] == []


def test_no_phase() -> None:
    assert [f.where for f in EVERYTHING if f.name == "phase"] == []


def test_every_field_explains_itself_in_a_sentence() -> None:
    named = [f for f in EVERYTHING if not f.path.endswith((".*", "[]"))]

    assert [f.where for f in named if not f.schema.get("description", "").endswith((".", "..."))] == []


def test_spec_defaults_are_within_their_own_bounds() -> None:
    for field in SPECS:
        default = field.schema.get("default")
        if isinstance(default, int) and not isinstance(default, bool):
            assert field.schema.get("minimum", default) <= default <= field.schema.get("maximum", default), field.where
        if isinstance(default, str) and "enum" in field.schema:
            assert default in field.schema["enum"], field.where


def test_a_status_is_stored_as_it_was_written() -> None:
    """Defaults would be added to what the operator wrote, and the difference would be written again."""
    inner = [f for f in EVERYTHING if f.path.startswith("status.") and "default" in f.schema]

    assert [f.where for f in inner if f.schema["default"] != ""] == []


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_a_new_object_is_not_taken_for_ready(kind: Kind) -> None:
    new = root_schema(kind)["properties"]["status"]["default"]

    assert new["observedGeneration"] == -1
    assert [(c["type"], c["status"], c["reason"]) for c in new["conditions"]] == [("Ready", "Unknown", "Pending")]


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_conditions_are_a_list_by_type_with_reason_and_generation(kind: Kind) -> None:
    conditions = root_schema(kind)["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert {"type", "status", "reason", "lastTransitionTime"} <= set(conditions["items"]["required"])
    assert {"message", "observedGeneration"} <= set(conditions["items"]["properties"])


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_status_is_a_subresource_and_the_kind_is_easy_to_type(kind: Kind) -> None:
    spec = crd(kind)["spec"]

    assert spec["versions"][0]["subresources"] == {"status": {}}
    assert spec["names"]["categories"] == ["shipway"]
    assert spec["names"]["shortNames"]


def test_short_names_are_not_shared() -> None:
    names = [name for kind in KINDS for name in (kind.plural, kind.singular, *kind.short_names)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_columns_and_selectors_point_at_fields_that_exist(kind: Kind) -> None:
    schema = root_schema(kind)

    for column in kind.columns:
        if not column.path.startswith(".metadata"):
            assert _resolve(schema, column.path), f"{kind.kind}: {column.name} at {column.path}"
    for path in kind.selectable:
        assert _resolve(schema, path)["type"] in {"string", "integer", "boolean"}


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_columns_tell_the_state_and_the_age(kind: Kind) -> None:
    paths = [column.path for column in kind.columns if column.priority == 0]

    assert any("conditions" in path for path in paths)
    assert paths[-1] == ".metadata.creationTimestamp"


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_rules_name_a_field_that_exists_and_say_more_than_no(kind: Kind) -> None:
    for field in _fields(kind.kind, root_schema(kind), "", ""):
        for rule in field.schema.get("x-kubernetes-validations", ()):
            if "fieldPath" in rule:
                assert _resolve(field.schema, rule["fieldPath"]), f"{field.where}: {rule['fieldPath']}"
            assert len(rule["message"].split()) >= 6, rule["message"]


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_a_crd_can_be_applied_on_the_client_side(kind: Kind) -> None:
    assert len(yaml.safe_dump(crd(kind))) < BIGGEST_CRD_BYTES


def _resolve(schema: Schema, path: str) -> Any:
    """The node a JSON path leads to; None when it leads nowhere."""
    node: Any = schema
    for part in re.findall(r"\.([A-Za-z]+)|\[[^]]*\]", path):
        node = node["items"] if not part else node.get("properties", {}).get(part)
        if node is None:
            return None
    return node
