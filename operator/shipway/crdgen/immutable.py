"""Fields that cannot be changed, as CEL rules: one for each field, so that the refusal names it."""

from shipway.api.schema import Kind, Rule
from shipway.crdgen.structural import Schema


def immutability(kind: Kind, spec: Schema) -> tuple[Rule, ...]:
    """Rules on the spec that refuse a change of every field the kind does not list as mutable."""
    if kind.mutable is None:
        return ()
    return tuple(_unchanged(name, spec, kind) for name in spec["properties"] if name not in kind.mutable)


def _unchanged(name: str, spec: Schema, kind: Kind) -> Rule:
    always = name in spec.get("required", ()) or "default" in spec["properties"][name]
    same = f"self.{name} == oldSelf.{name}"
    rule = same if always else f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})"
    return Rule(rule, f"{name} cannot be changed once created; {kind.change_by}", name)
