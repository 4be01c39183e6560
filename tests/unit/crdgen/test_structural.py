"""Pydantic models become structural schemas, or are refused with the field's path."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from shipway.api.schema import ApiModel, Decimal, Kind, Quantity, Rule, Status, in_words, list_map
from shipway.crdgen.crd import crd, root_schema
from shipway.crdgen.structural import NotStructuralError, Schema, structural


class Colour(StrEnum):
    RED = "Red"
    BLUE = "Blue"


class Inner(ApiModel):
    """An inner object."""

    size_in_bytes: Annotated[int, Field(ge=0, le=10)] = 3
    """How big."""
    label: Annotated[str, Field(max_length=5)] = ""
    """What it is called."""
    rules = (Rule("self.sizeInBytes != 4", "four is not a size; choose another", "sizeInBytes"),)


class Entry(ApiModel):
    """An entry of a list."""

    name: Annotated[str, Field(max_length=5)]
    """Its name."""
    part: Annotated[str, Field(max_length=5)] = ""
    """A part of it."""


class Outer(ApiModel):
    """An outer object."""

    needed: Annotated[str, Field(max_length=5)]
    """Needed."""
    optional: Inner | None = None
    """Left out by most."""
    filled: Inner = Inner()
    """Filled in."""
    other: Inner = Inner(size_in_bytes=7)
    """Filled in differently."""
    colour: Colour = Colour.RED
    """A choice."""
    one: Literal["Only"] = "Only"
    """No choice."""
    entries: Annotated[list[Entry], Field(max_length=3), list_map("name", "part")] = []  # noqa: RUF012
    """Entries."""
    plain: Annotated[list[Decimal], Field(max_length=3)] = []  # noqa: RUF012
    """Numbers."""
    amounts: Annotated[dict[str, Quantity], Field(max_length=3)] = {}  # noqa: RUF012
    """Amounts."""
    title: Annotated[str, Field(max_length=5)] = "x"
    """A field that has the name of a keyword."""


class OuterStatus(Status):
    """A status."""

    inner: Inner = Inner()
    """An inner object."""


def _spec() -> dict[str, Schema]:
    properties: dict[str, Schema] = structural(Outer, for_users=True)["properties"]
    return properties


def test_names_are_those_of_the_wire() -> None:
    assert "sizeInBytes" in _spec()["filled"]["properties"]


def test_only_fields_without_default_are_required() -> None:
    assert structural(Outer, for_users=True)["required"] == ["needed"]


def test_an_optional_object_is_inlined_without_a_default() -> None:
    optional = _spec()["optional"]

    assert optional["type"] == "object"
    assert "default" not in optional
    assert "$ref" not in str(structural(Outer, for_users=True))


def test_the_fields_own_words_win_over_its_types() -> None:
    assert _spec()["filled"]["description"] == "Filled in."


def test_the_default_of_an_object_is_whole() -> None:
    """The API server checks the rules of an object against its default before it fills in the inner ones."""
    assert _spec()["filled"]["default"] == {"sizeInBytes": 3}
    assert _spec()["other"]["default"] == {"sizeInBytes": 7}


@pytest.mark.parametrize("name", ["entries", "plain", "amounts"])
def test_empty_and_absent_are_the_same(name: str) -> None:
    assert "default" not in _spec()[name]


def test_a_merge_key_keeps_its_empty_default() -> None:
    assert _spec()["entries"]["items"]["properties"]["part"]["default"] == ""


def test_enums_and_single_literals_are_enums() -> None:
    assert _spec()["colour"]["enum"] == ["Red", "Blue"]
    assert _spec()["one"]["enum"] == ["Only"]


def test_a_quantity_is_an_integer_or_a_string() -> None:
    amount = _spec()["amounts"]["additionalProperties"]

    assert amount["x-kubernetes-int-or-string"] is True
    assert "type" not in amount


def test_a_field_may_be_called_like_a_keyword() -> None:
    assert _spec()["title"] == {
        "description": "A field that has the name of a keyword.",
        "type": "string",
        "maxLength": 5,
        "default": "x",
    }


def test_rules_sit_on_every_use_of_the_object() -> None:
    rule = {
        "rule": "self.sizeInBytes != 4",
        "message": "four is not a size; choose another",
        "fieldPath": ".sizeInBytes",
    }

    assert _spec()["optional"]["x-kubernetes-validations"] == [rule]
    assert _spec()["filled"]["x-kubernetes-validations"] == [rule]


def test_a_status_has_no_defaults() -> None:
    status = structural(OuterStatus, for_users=False)

    assert "default" not in str({**status, "description": ""})


class Named(ApiModel):
    """A form in words."""

    name: Annotated[str, Field(max_length=9), in_words(r"^[a-z]+\.$", "write small letters and a dot, such as ab.")]
    """A name."""


def test_users_are_refused_in_words() -> None:
    name = structural(Named, for_users=True)["properties"]["name"]

    assert "pattern" not in name
    assert name["x-kubernetes-validations"] == [
        {"rule": r"self.matches(r'^[a-z]+\.$')", "message": "write small letters and a dot, such as ab."}
    ]


def test_the_operator_is_held_to_the_pattern() -> None:
    name = structural(Named, for_users=False)["properties"]["name"]

    assert name["pattern"] == r"^[a-z]+\.$"
    assert "x-kubernetes-validations" not in name


class _Union(ApiModel):
    value: int | str = 0


class _Float(ApiModel):
    value: float = 0.0


class _Anything(ApiModel):
    value: Any = None


@pytest.mark.parametrize(
    ("model", "said"),
    [(_Union, "_Union.value: anyOf"), (_Float, "_Float.value: is a float; use Decimal"), (_Anything, "has no type")],
)
def test_what_has_no_structural_form_is_refused_with_its_path(model: type[ApiModel], said: str) -> None:
    with pytest.raises(NotStructuralError, match=said):
        structural(model, for_users=True)


def test_a_kind_becomes_a_crd() -> None:
    kind = Kind(kind="Outer", plural="outers", spec=Outer, status=OuterStatus, short_names=("out",), mutable=("one",))

    assert crd(kind)["metadata"]["name"] == "outers.shipway.dev"
    guarded = [rule["fieldPath"] for rule in root_schema(kind)["properties"]["spec"]["x-kubernetes-validations"]]
    assert guarded == [f".{name}" for name in _spec() if name != "one"]
