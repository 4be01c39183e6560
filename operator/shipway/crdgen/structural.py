"""Pydantic models as structural OpenAPI schemas, the only kind a CustomResourceDefinition accepts.

Structural means: every `$ref` is inlined, `null` is no type of its own, nothing is left for the validator to guess.
What cannot be said that way is refused here, with the path of the field, rather than by the API server.
"""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shipway.api.schema import IMPLIED, WORDS, ApiModel, Rule

Schema = dict[str, Any]

_KEYWORDS = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "default",
    "required",
    "properties",
    "items",
    "additionalProperties",
)
"""What a structural schema may say here, in the order it is written in."""
_LIST_TYPE = "x-kubernetes-list-type"
_LIST_KEYS = "x-kubernetes-list-map-keys"
_INT32 = 2**31 - 1
_EMPTY: tuple[Any, ...] = (None, "", [], {})


class NotStructuralError(ValueError):
    """A model says something that a CustomResourceDefinition cannot."""


def structural(model: type[ApiModel], *, for_users: bool) -> Schema:
    """The structural schema of a model, in the order its fields are declared.

    Args:
        model: The root of a spec or a status.
        for_users: Whether users write it, as they do a spec: the API server then fills in defaults, and refuses in
            words what does not match a pattern. A status must be stored as it was written, or it is written again.

    Raises:
        NotStructuralError: Something in the model has no structural form.
    """
    document = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    inlined = _inline(document, document.get("$defs", {}))
    return _normalise(inlined, path=model.__name__, for_users=for_users)


def validations(rules: tuple[Rule, ...]) -> list[dict[str, str]]:
    """CEL rules in the form of `x-kubernetes-validations`."""
    return [_validation(rule) for rule in rules]


def _validation(rule: Rule) -> dict[str, str]:
    entry = {"rule": rule.rule, "message": rule.message}
    if rule.field is not None:
        entry["fieldPath"] = f".{rule.field}"
    return entry


class _Generator(GenerateJsonSchema):
    """Pydantic's own generator, kept from writing what only a JSON Schema validator would understand."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json_schema = super().model_schema(schema)
        rules: tuple[Rule, ...] = schema["cls"].rules
        if rules:
            json_schema["x-kubernetes-validations"] = validations(rules)
        return json_schema

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Optional is said by `required`: an absent field and a null one are the same to Kubernetes."""
        return self.generate_inner(schema["schema"])

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return {"type": "string", "enum": list(schema["expected"])}


def _inline(node: Any, definitions: Mapping[str, Schema]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    own = {key: _inline(value, definitions) for key, value in node.items() if key not in {"$ref", "$defs"}}
    if "$ref" not in node:
        return own
    target = definitions[node["$ref"].removeprefix("#/$defs/")]
    return {**_inline(target, definitions), **own}


def _normalise(node: Schema, *, path: str, for_users: bool) -> Schema:
    unsaid = {"title", IMPLIED, "default"} if IMPLIED in node else {"title"}
    result = _with_words({key: value for key, value in node.items() if key not in unsaid}, for_users=for_users)
    if "x-kubernetes-int-or-string" in node:
        return result
    _refuse_unknown(result, path)
    kind = node["type"]
    if kind == "integer":
        result["format"] = node.get("format", _integer_format(node))
    if kind == "array":
        result["items"] = _items(node, path=path, for_users=for_users)
        result[_LIST_TYPE] = node.get(_LIST_TYPE, "atomic")
    if "properties" in node:
        result["properties"] = {
            name: _normalise(child, path=f"{path}.{name}", for_users=for_users)
            for name, child in node["properties"].items()
        }
    if "additionalProperties" in node:
        result["additionalProperties"] = _normalise(node["additionalProperties"], path=f"{path}.*", for_users=for_users)
    return _with_default(result, for_users=for_users)


def _with_words(node: Schema, *, for_users: bool) -> Schema:
    """The pattern as a rule that says what to write; as it is in a status, which only the operator writes."""
    if WORDS not in node:
        return node
    result = {key: value for key, value in node.items() if key != WORDS}
    if not for_users:
        return result
    rule = f"self.matches(r'{result.pop('pattern')}')"
    return {**result, "x-kubernetes-validations": [{"rule": rule, "message": node[WORDS]}]}


def _refuse_unknown(node: Schema, path: str) -> None:
    unknown = sorted(key for key in node if key not in _KEYWORDS and not key.startswith("x-kubernetes-"))
    if unknown:
        raise NotStructuralError(f"{path}: {', '.join(unknown)} has no structural form; choose one plain type")
    if "type" not in node:
        raise NotStructuralError(f"{path}: has no type; give the field a plain type")
    if node["type"] == "number":
        raise NotStructuralError(f"{path}: is a float; use Decimal, which keeps what the user wrote")


def _integer_format(node: Schema) -> str:
    fits = node.get("minimum", -_INT32 - 1) >= -_INT32 and node.get("maximum", _INT32 + 1) <= _INT32
    return "int32" if fits else "int64"


def _items(node: Schema, *, path: str, for_users: bool) -> Schema:
    items = _normalise(node["items"], path=f"{path}[]", for_users=for_users)
    for key in node.get(_LIST_KEYS, ()):
        # A merge key is required or has a default, even an empty one.
        if key not in items.get("required", ()):
            items["properties"][key].setdefault("default", "")
    return items


def _with_default(node: Schema, *, for_users: bool) -> Schema:
    declared = node.pop("default", None)
    wanted = _written(declared, node) if for_users else None
    return _ordered(node if wanted is None else {**node, "default": wanted})


def _ordered(node: Schema) -> Schema:
    known = {key: node[key] for key in _KEYWORDS if key in node}
    return {**known, **{key: node[key] for key in sorted(node.keys() - known.keys())}}


def _written(value: Any, schema: Schema) -> Any:
    """The default to write, or None when there is none.

    Empty texts, lists and maps are not written: absent and empty mean the same, and the user's object stays as it was.
    The default of an object says all of its inner defaults again: rules are checked against it as it stands.
    """
    if value in _EMPTY or "properties" not in schema:
        return None if value in _EMPTY else value
    known = schema["properties"]
    inner = {key: _written(item, known[key]) for key, item in value.items() if "default" in known[key]}
    return {key: item for key, item in inner.items() if item is not None} or None
