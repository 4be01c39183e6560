"""What the API server does with one of our objects, in process: fill in defaults, check the schema, evaluate the rules.

A stand-in for unit tests; the same wrong manifests are sent to the real API server by the integration tests.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import cel
import jsonschema

from shipway.api.schema import Kind
from shipway.api.v1alpha1 import KINDS
from shipway.crdgen.crd import root_schema
from shipway.crdgen.structural import Schema

Object = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """One reason why an object was not admitted."""

    field: str
    message: str


@cache
def schema_of(kind: str) -> Schema:
    """The whole object's schema of one of our kinds."""
    return root_schema(next(k for k in KINDS if k.kind == kind))


def kind_named(name: str) -> Kind:
    """One of our kinds by its name."""
    return next(k for k in KINDS if k.kind == name)


def admit(obj: Object, old: Object | None = None) -> list[Refusal]:
    """The reasons to refuse the object; none when it is admitted.

    Args:
        obj: The object as the user wrote it.
        old: What is stored, when this is an update.
    """
    schema = schema_of(obj["kind"])
    filled = with_defaults(schema, obj)
    wrong = [Refusal(_path(e), e.message) for e in jsonschema.Draft7Validator(schema).iter_errors(filled)]
    if wrong:
        return wrong
    return list(_broken_rules(schema, filled, with_defaults(schema, old) if old else None, ""))


def with_defaults(schema: Schema, value: Any) -> Any:
    """The value with the schema's defaults filled in, as the API server stores it."""
    if isinstance(value, list):
        return [with_defaults(schema["items"], item) for item in value]
    if not isinstance(value, dict):
        return value
    filled = copy.deepcopy(value)
    for name, child in schema.get("properties", {}).items():
        if name not in filled and "default" in child:
            filled[name] = copy.deepcopy(child["default"])
        if name in filled:
            filled[name] = with_defaults(child, filled[name])
    return filled


def _path(error: jsonschema.ValidationError) -> str:
    return ".".join(str(part) for part in error.absolute_path)


def _broken_rules(schema: Schema, value: Any, old: Any, path: str) -> Iterator[Refusal]:
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" in rule["rule"] and old is None:
            continue
        if not cel.evaluate(rule["rule"], {"self": value, "oldSelf": old}):
            yield Refusal((path + rule.get("fieldPath", "")).removeprefix("."), rule["message"])
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name in value:
                before = old.get(name) if isinstance(old, dict) else None
                yield from _broken_rules(child, value[name], before, f"{path}.{name}")
        for name in value if "additionalProperties" in schema else ():
            yield from _broken_rules(schema["additionalProperties"], value[name], None, f"{path}.{name}")
    if isinstance(value, list):
        if schema.get("x-kubernetes-list-type") == "set":
            yield from _duplicates(value, path)
        for index, item in enumerate(value):
            yield from _broken_rules(schema["items"], item, None, f"{path}[{index}]")


def _duplicates(items: list[Any], path: str) -> Iterator[Refusal]:
    for index, item in enumerate(items):
        if item in items[:index]:
            yield Refusal(f"{path}[{index}]".removeprefix("."), f'Duplicate value: "{item}"')
