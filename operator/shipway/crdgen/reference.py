"""Reference pages: every field of a kind with its type, bounds, default and meaning."""

from collections.abc import Iterator
from dataclasses import dataclass

from shipway.api.schema import API_VERSION, Kind
from shipway.crdgen.crd import root_schema
from shipway.crdgen.structural import Schema

_NOTE = "<!-- Generated from operator/shipway/api by `python -m shipway.crdgen`; change it there. -->\n"
_BOUNDS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "≥ {} characters",
    "maxLength": "≤ {} characters",
    "maxItems": "≤ {} items",
    "maxProperties": "≤ {} entries",
    "pattern": "`{}`",
}


@dataclass(frozen=True)
class _Row:
    path: str
    schema: Schema
    required: bool


def kind_page(kind: Kind) -> str:
    """The reference page of a kind, in Markdown."""
    schema = root_schema(kind)
    spec, status = schema["properties"]["spec"], schema["properties"]["status"]
    names = ", ".join(f"`{name}`" for name in (kind.plural, *kind.short_names))
    scope = "namespaced" if kind.namespaced else "cluster-wide"
    sections = [
        f"{_NOTE}# {kind.kind}",
        kind.doc,
        f"`apiVersion: {API_VERSION}` · `kind: {kind.kind}` · {scope} · kubectl: {names}",
        "## spec",
        _table(_fields(spec, "spec")),
        "## What is refused",
        "A manifest that breaks a bound above or one of these rules is refused by the API server.",
        _rules(schema),
        "## status",
        "Written by the operator alone.",
        _table(_fields(status, "status")),
    ]
    return "\n\n".join(sections) + "\n"


def index_page(kinds: tuple[Kind, ...]) -> str:
    """The page that leads to all kinds."""
    rows = [f"| [{kind.kind}]({kind.singular}.md) | {_cell(kind.doc)} |" for kind in kinds]
    table = "\n".join(["| kind | what it says |", "|---|---|", *rows])
    text = f"Group and version: `{API_VERSION}`. The same texts come from `kubectl explain`."
    return f"{_NOTE}# API reference\n\n{text}\n\n{table}\n"


def _fields(schema: Schema, path: str) -> Iterator[_Row]:
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield _Row(here, child, required=name in schema.get("required", ()))
        yield from _fields(child, here)
        if child.get("type") == "array":
            yield from _fields(child["items"], f"{here}[]")


def _table(rows: Iterator[_Row]) -> str:
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *(_line(row) for row in rows)])


def _line(row: _Row) -> str:
    default = "**required**" if row.required else _default(row.schema)
    return f"| `{row.path}` | {_type(row.schema)} | {default} | {_cell(row.schema.get('description', ''))} |"


def _default(schema: Schema) -> str:
    if "default" not in schema or "properties" in schema:
        return ""
    return f"`{str(schema['default']).lower() if isinstance(schema['default'], bool) else schema['default']}`"


def _type(schema: Schema) -> str:
    parts = [_type_name(schema)]
    bounded = schema if "enum" not in schema else {}
    parts += [_cell(text.format(bounded[key])) for key, text in _BOUNDS.items() if key in bounded]
    parts += [_cell(rule["message"]) for rule in _rules_on_a_value(schema)]
    return "<br>".join(parts)


def _rules_on_a_value(schema: Schema) -> list[dict[str, str]]:
    """Rules about the form of a single value: they stand beside its type, the others in a list of their own."""
    value = schema.get("items") or schema.get("additionalProperties") or schema
    return [] if "properties" in value else value.get("x-kubernetes-validations", [])


def _type_name(schema: Schema) -> str:
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_name(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map to {_type_name(schema['additionalProperties'])}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "integer or string"))


def _rules(schema: Schema) -> str:
    lines = [f"- `{path}`: {message}" for path, message in _messages(schema, "")]
    return "\n".join(lines) or "No rules beyond the bounds."


def _messages(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()) if "properties" in schema else ():
        yield f"{path}{rule.get('fieldPath', '')}".removeprefix(".") or "the object", rule["message"]
    for name, child in schema.get("properties", {}).items():
        yield from _messages(child, f"{path}.{name}")
    if schema.get("type") == "array":
        yield from _messages(schema["items"], f"{path}[]")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
