"""The schemas keep what the last released ones promised, and whatever would break a promise is caught."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from shipway.api.v1alpha1 import KINDS
from shipway.crdgen.compatibility import breaks
from shipway.crdgen.crd import crd

RELEASED = Path(__file__).parent / "released"

ON_PURPOSE = (
    # The API server has written the old default into every stored object, which keeps it; what is declared anew gets
    # the usual five percent, at which equally good versions are still taken back less than once in a thousand releases.
    "ServingDeployment: spec.rollout.alpha: default was '0.01' and is '0.05'",
    "ServingDeployment: spec.rollout: default was ",
)
"""Beginnings of what a change takes away on purpose, each with the reason why nobody loses by it."""

Crd = dict[str, Any]
Edit = Callable[[Crd], None]


def _last_released() -> list[Crd]:
    folder = max(RELEASED.glob("v*"), key=lambda f: [int(part) for part in f.name.removeprefix("v").split(".")])
    return [yaml.safe_load(file.read_text()) for file in sorted(folder.glob("*.yaml"))]


def test_nothing_that_was_released_is_taken_away() -> None:
    released = _last_released()
    now = {kind.kind: crd(kind) for kind in KINDS}

    gone = [old["spec"]["names"]["kind"] for old in released if old["spec"]["names"]["kind"] not in now]
    losses = [loss for old in released for loss in breaks(old, now[old["spec"]["names"]["kind"]])]

    assert released, "no release is kept; run `make release-schemas` when one is made"
    assert gone == []
    unmeant = [loss for loss in losses if not loss.startswith(ON_PURPOSE)]
    assert unmeant == [], "add a new API version beside the released one, or take the change back"
    assert all(any(loss.startswith(meant) for loss in losses) for meant in ON_PURPOSE), "one is not needed"


def schema(**more: Any) -> dict[str, Any]:
    """A schema with one of everything."""
    return {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 2, "maxLength": 63},
            "tier": {"type": "string", "enum": ["Critical", "Standard"], "default": "Standard"},
            "size": {"type": "integer", "minimum": 1, "maximum": 8},
            "tags": {"type": "array", "maxItems": 4, "items": {"type": "string", "maxLength": 10}},
            "notes": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 10}},
            "free": {"type": "string", "nullable": True},
        },
        **more,
    }


def definition() -> Crd:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".spec.name"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema()}}},
    }
    names = {"kind": "Thing", "plural": "things", "shortNames": ["th"]}
    return {"spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}}


def _spec(thing: Crd) -> dict[str, Any]:
    spec: dict[str, Any] = thing["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def on(field: str, **changes: Any) -> Edit:
    """Changes of one field's schema; None takes a part away."""

    def edit(thing: Crd) -> None:
        target = _spec(thing)["properties"][field]
        target.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del target[name]

    return edit


def on_names(**changes: Any) -> Edit:
    return lambda thing: thing["spec"]["names"].update(changes)


def on_version(**changes: Any) -> Edit:
    return lambda thing: thing["spec"]["versions"][0].update(changes)


def on_spec(**changes: Any) -> Edit:
    return lambda thing: _spec(thing).update(changes)


def without(field: str) -> Edit:
    def edit(thing: Crd) -> None:
        del _spec(thing)["properties"][field]

    return edit


BREAKING: dict[str, tuple[Edit, str]] = {
    "a field removed": (without("size"), "spec.size is gone"),
    "a type changed": (on("size", type="string"), "spec.size: type was integer and is string"),
    "a format set": (on("name", format="date-time"), "spec.name: format was None and is date-time"),
    "a list merged otherwise": (on("tags", **{"x-kubernetes-list-type": "set"}), "spec.tags: x-kubernetes-list-type"),
    "an enum value lost": (on("tier", enum=["Standard"]), "spec.tier: enum lost Critical"),
    "an enum where any value was allowed": (on("free", enum=["a"]), "spec.free: any value was allowed"),
    "a new required field": (on_spec(required=["name", "size"]), "spec.size is required now"),
    "a shorter string": (on("name", maxLength=40), "spec.name: maxLength was 63 and is 40"),
    "a longer least string": (on("name", minLength=3), "spec.name: minLength was 2 and is 3"),
    "a limit where there was none": (on("free", maxLength=9), "spec.free: maxLength was unlimited and is 9"),
    "a least length where there was none": (on("free", minLength=1), "spec.free: minLength was unlimited and is 1"),
    "a lower maximum": (on("size", maximum=7), "spec.size: maximum was 8 and is 7"),
    "a higher minimum": (on("size", minimum=2), "spec.size: minimum was 1 and is 2"),
    "fewer items": (on("tags", maxItems=3), "spec.tags: maxItems was 4 and is 3"),
    "a shorter item": (on("tags", items={"type": "string", "maxLength": 9}), "spec.tags[]: maxLength was 10 and is 9"),
    "a shorter map value": (
        on("notes", additionalProperties={"type": "string", "maxLength": 9}),
        "spec.notes.*: maxLength was 10 and is 9",
    ),
    "no free map any more": (on("notes", additionalProperties=None), "spec.notes.* was described and is None"),
    "a pattern": (on("name", pattern="^a"), "spec.name: pattern was not set and is ^a"),
    "another default": (on("tier", default="Critical"), "spec.tier: default was 'Standard' and is 'Critical'"),
    "a default lost": (on("tier", default=None), "spec.tier: default was 'Standard' and is None"),
    "null refused": (on("free", nullable=False), "spec.free: null is refused now"),
    "a new rule": (
        on_spec(**{"x-kubernetes-validations": [{"rule": "self.size > 1", "message": "m"}]}),
        "spec: a new rule refuses what was valid: self.size > 1",
    ),
    "a new rule on an enum value that there was": (
        on_spec(**{"x-kubernetes-validations": [{"rule": "self.tier != 'Critical' || self.size > 1", "message": "m"}]}),
        "spec: a new rule refuses what was valid: self.tier != 'Critical'",
    ),
    "a short name lost": (on_names(shortNames=[]), "short name th is gone"),
    "another plural": (on_names(plural="thingies"), "plural was things and is thingies"),
    "another scope": (lambda thing: thing["spec"].update(scope="Cluster"), "scope was Namespaced and is Cluster"),
    "a version not served": (on_version(served=False), "version v1 is not served any more"),
    "no status of its own": (on_version(subresources={}), "subresource status is gone"),
    "a selector lost": (on_version(selectableFields=[]), ".spec.name cannot be selected by any more"),
}


@pytest.mark.parametrize(("edit", "words"), BREAKING.values(), ids=BREAKING.keys())
def test_what_would_break_somebody_is_told_with_the_field(edit: Edit, words: str) -> None:
    changed = definition()
    edit(changed)

    losses = breaks(definition(), changed)

    assert len(losses) == 1
    assert losses[0].startswith(f"Thing: {words}")


def _new_field(thing: Crd) -> None:
    inner = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": 1}}}
    _spec(thing)["properties"]["more"] = inner


def _new_version(thing: Crd) -> None:
    fresh = copy.deepcopy(thing["spec"]["versions"][0])
    fresh["name"] = "v2"
    del fresh["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"]
    thing["spec"]["versions"].append(fresh)


def _new_field_with_a_rule(thing: Crd) -> None:
    _spec(thing)["properties"]["extra"] = {"type": "integer"}
    on_spec(**{"x-kubernetes-validations": [{"rule": "!has(self.extra) || self.extra > 1", "message": "m"}]})(thing)


def _rule_on_a_new_value(thing: Crd) -> None:
    on("tier", enum=["Critical", "Standard", "Experimental"])(thing)
    rule = "self.tier != 'Experimental' || self.size > 1"
    on_spec(**{"x-kubernetes-validations": [{"rule": rule, "message": "m"}]})(thing)


HARMLESS: dict[str, Edit] = {
    "nothing": lambda _: None,
    "an optional field": _new_field,
    "an optional field with a rule of its own": _new_field_with_a_rule,
    "a rule on one more enum value": _rule_on_a_new_value,
    "one more enum value": on("tier", enum=["Critical", "Standard", "Experimental"]),
    "no enum any more": on("tier", enum=None),
    "a longer string": on("name", maxLength=64),
    "no limit any more": on("name", maxLength=None),
    "a lower minimum": on("size", minimum=0),
    "less required": on_spec(required=[]),
    "a default where there was none": on("free", default="x"),
    "another description": on("name", description="A name."),
    "a new version that lacks a field": _new_version,
}


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_breaks_nobody_is_let_through(edit: Edit) -> None:
    changed = definition()
    edit(changed)

    assert breaks(definition(), changed) == []


def test_a_rule_may_be_given_another_way_out_and_no_further_condition() -> None:
    released, wider, narrower = definition(), definition(), definition()
    for thing, rule in ((released, "self.a"), (wider, "self.a || self.b"), (narrower, "self.a && self.b")):
        on_spec(**{"x-kubernetes-validations": [{"rule": rule, "message": "m"}]})(thing)

    assert breaks(released, wider) == []
    assert breaks(released, narrower) == ["Thing: spec: a new rule refuses what was valid: self.a && self.b"]


def test_another_way_out_behind_a_choice_is_one_of_its_last_part_only() -> None:
    released, now = definition(), definition()
    for thing, rule in ((released, "self.a ? self.b : self.c"), (now, "self.a ? self.b : self.c || self.d")):
        on_spec(**{"x-kubernetes-validations": [{"rule": rule, "message": "m"}]})(thing)

    assert breaks(released, now) != []


@pytest.mark.parametrize(
    ("field", "rule", "refuses"),
    [
        ({"type": "integer"}, "!has(self.extra) || self.extra > 1", False),
        ({"type": "integer", "default": 1}, "!has(self.extra) || self.extra > 1", True),
        ({"type": "boolean", "default": False}, "!has(self.extra) || !self.extra || self.name != ''", False),
        ({"type": "boolean", "default": True}, "!has(self.extra) || !self.extra || self.name != ''", True),
    ],
)
def test_a_rule_about_a_new_field_refuses_nobody_unless_a_default_sets_it(
    field: dict[str, Any], rule: str, refuses: bool
) -> None:
    changed = definition()
    _spec(changed)["properties"]["extra"] = field
    on_spec(**{"x-kubernetes-validations": [{"rule": rule, "message": "m"}]})(changed)

    assert bool(breaks(definition(), changed)) == refuses


@pytest.mark.parametrize(("field", "refuses"), [({"type": "object"}, False), ({"type": "integer", "default": 1}, True)])
def test_nor_does_one_about_a_new_field_of_a_lists_items(field: dict[str, Any], refuses: bool) -> None:
    released, now = definition(), definition()
    for thing, fields in ((released, {}), (now, {"extra": field})):
        items = {"type": "object", "properties": fields}
        _spec(thing)["properties"]["steps"] = {"type": "array", "items": items}
    rule = "!has(self.steps) || !self.steps.exists(s, has(s.extra)) || self.steps.size() == 1"
    on_spec(**{"x-kubernetes-validations": [{"rule": rule, "message": "m"}]})(now)

    assert bool(breaks(released, now)) == refuses
