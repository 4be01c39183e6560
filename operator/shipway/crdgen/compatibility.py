"""What a changed CRD would take away from those who use the released one. Pure.

A version of an API is a promise: a manifest or a stored object that was valid stays valid and means the same. Whatever
breaks that needs a new version beside the old one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Crd = Mapping[str, Any]
Schema = Mapping[str, Any]

_UPPER = ("maxLength", "maxItems", "maxProperties", "maximum")
_LOWER = ("minLength", "minItems", "minProperties", "minimum")
_EXACT = ("pattern", "multipleOf", "uniqueItems", "exclusiveMaximum", "exclusiveMinimum")
"""Bounds that cannot be compared by size: setting or changing one may refuse what was valid."""
_MEANING = (
    "type",
    "format",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
)
"""What a value is and how two writers' values are merged."""


def breaks(released: Crd, now: Crd) -> list[str]:
    """What an object or a client of the released CRD would lose, one sentence each; empty when nothing.

    Args:
        released: A CustomResourceDefinition as it was released.
        now: The CustomResourceDefinition of the same kind as it is now.
    """
    name = released["spec"]["names"]["kind"]
    return [f"{name}: {loss}" for loss in (*_names(released["spec"], now["spec"]), *_versions(released, now))]


def _names(released: Schema, now: Schema) -> Iterator[str]:
    for field in ("group", "scope"):
        if released[field] != now[field]:
            yield f"{field} was {released[field]} and is {now[field]}"
    for field in ("kind", "plural"):
        if released["names"][field] != now["names"][field]:
            yield f"{field} was {released['names'][field]} and is {now['names'][field]}"
    for short in released["names"].get("shortNames", ()):
        if short not in now["names"].get("shortNames", ()):
            yield f"short name {short} is gone"


def _versions(released: Crd, now: Crd) -> Iterator[str]:
    served = {version["name"]: version for version in now["spec"]["versions"] if version["served"]}
    for version in released["spec"]["versions"]:
        name = version["name"]
        if not version["served"]:
            continue
        if name not in served:
            yield f"version {name} is not served any more"
            continue
        yield from _version(version, served[name])


def _version(released: Schema, now: Schema) -> Iterator[str]:
    for subresource in released.get("subresources", {}):
        if subresource not in now.get("subresources", {}):
            yield f"subresource {subresource} is gone"
    selectable = {field["jsonPath"] for field in now.get("selectableFields", ())}
    for field in released.get("selectableFields", ()):
        if field["jsonPath"] not in selectable:
            yield f"{field['jsonPath']} cannot be selected by any more"
    yield from _schema(released["schema"]["openAPIV3Schema"], now["schema"]["openAPIV3Schema"], "")


def _schema(released: Schema, now: Schema, path: str) -> Iterator[str]:
    here = path or "the object"
    yield from _meaning(released, now, here)
    yield from _bounds(released, now, here)
    yield from _rules(released, now, here)
    for field in now.get("required", ()):
        if field not in released.get("required", ()):
            yield f"{_below(path, field)} is required now"
    for field, schema in released.get("properties", {}).items():
        if field not in now.get("properties", {}):
            yield f"{_below(path, field)} is gone"
        else:
            yield from _schema(schema, now["properties"][field], _below(path, field))
    yield from _parts(released, now, path)


def _parts(released: Schema, now: Schema, path: str) -> Iterator[str]:
    for part, mark in (("items", "[]"), ("additionalProperties", ".*")):
        before, after = released.get(part), now.get(part)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _schema(before, after, f"{path}{mark}")
        elif before is not None and before != after:
            yield f"{path}{mark} was {_words(before)} and is {_words(after)}"


def _meaning(released: Schema, now: Schema, here: str) -> Iterator[str]:
    for field in _MEANING:
        if released.get(field) != now.get(field):
            yield f"{here}: {field} was {released.get(field)} and is {now.get(field)}"
    # What a status says before the operator's first word is nobody's setting.
    if "default" in released and here != "status" and released["default"] != now.get("default"):
        yield f"{here}: default was {released['default']!r} and is {now.get('default')!r}"
    if released.get("nullable") and not now.get("nullable"):
        yield f"{here}: null is refused now"


def _bounds(released: Schema, now: Schema, here: str) -> Iterator[str]:
    if "enum" in now:
        lost = [value for value in released.get("enum", ()) if value not in now["enum"]]
        if lost:
            yield f"{here}: enum lost {', '.join(map(str, lost))}"
        if "enum" not in released:
            yield f"{here}: any value was allowed and only an enum is"
    for field in _UPPER:
        if field in now and (field not in released or now[field] < released[field]):
            yield f"{here}: {field} was {released.get(field, 'unlimited')} and is {now[field]}"
    for field in _LOWER:
        least = float("-inf") if field == "minimum" else 0
        if field in now and now[field] > released.get(field, least):
            yield f"{here}: {field} was {released.get(field, 'unlimited')} and is {now[field]}"
    for field in _EXACT:
        if field in now and now[field] != released.get(field):
            yield f"{here}: {field} was {released.get(field, 'not set')} and is {now[field]}"


def _rules(released: Schema, now: Schema, here: str) -> Iterator[str]:
    known = {rule["rule"] for rule in released.get("x-kubernetes-validations", ())}
    before = released.get("properties", {})
    unset = [
        words for name, field in now.get("properties", {}).items() for words in _asking_nothing(name, field, before)
    ]
    unset += [words for name, field in before.items() for words in _while_no_item_has(name, field, now)]
    for rule in now.get("x-kubernetes-validations", ()):
        if not _refuses_no_more(rule["rule"], known, unset):
            yield f"{here}: a new rule refuses what was valid: {rule['rule']}"


def _asking_nothing(name: str, field: Schema, before: Schema) -> Iterator[str]:
    """How rules begin that ask nothing of an object in which a field, or a value of one, is not set that is new."""
    if name not in before:
        yield from filter(None, [_while_unset(name, field)])
        return
    known = before[name].get("enum", field.get("enum", ()))
    yield from (f"self.{name} != '{value}' || " for value in field.get("enum", ()) if value not in known)


def _while_unset(name: str, field: Schema) -> str:
    """How a rule begins that asks nothing of an object in which nobody has set the field; empty if it always is set."""
    if "default" not in field:
        return f"!has(self.{name}) || "
    return f"!has(self.{name}) || !self.{name} || " if field["default"] is False else ""


def _while_no_item_has(name: str, released: Schema, now: Schema) -> Iterator[str]:
    """How a rule begins that asks nothing of a list in which nobody has set an item's new field."""
    items = now.get("properties", {}).get(name, {}).get("items", {}).get("properties", {})
    before = released.get("items", {}).get("properties", {})
    for field, schema in items.items():
        if field not in before and "default" not in schema:
            yield f"!has(self.{name}) || !self.{name}.exists(s, has(s.{field})) || "


def _refuses_no_more(rule: str, known: Iterable[str], unset: Iterable[str]) -> bool:
    """Whether it is a known rule, a known one with another way out, or about what nobody could set before.

    Behind a choice (`a ? b : c`) another way out would belong to its last part alone.
    """
    if rule in known or any(rule.startswith(f"{old} || ") for old in known if "?" not in old):
        return True
    return any(rule.startswith(words) for words in unset)


def _below(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _words(part: object) -> str:
    return "described" if isinstance(part, Mapping) else str(part)
