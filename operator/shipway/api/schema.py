"""The vocabulary the kinds are written in: models, CEL rules, columns and the description of a kind."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

GROUP = "shipway.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "shipway"


@dataclass(frozen=True)
class Rule:
    """One CEL rule (`x-kubernetes-validations`), attached to the object schema it is declared on.

    The message says what is wrong and what would be right; `field` is the path below that object the message is about.
    """

    rule: str
    message: str
    field: str | None = None


class ApiModel(BaseModel):
    """Base of every object in a spec or a status.

    Python names are snake_case, the wire is camelCase. Unknown fields are ignored when parsing: the API server has
    pruned them already and an older operator must be able to read what a newer one wrote.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()

    def to_wire(self) -> dict[str, Any]:
        """The camelCase dictionary sent to the API server; unset optional fields are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def list_map(*keys: str) -> Any:
    """Field extra for a list that server-side apply merges by `keys`."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)})


IMPLIED = "x-shipway-implied"
"""Schema extra: the operator reads a default where the field is left out; the API server writes none. A list that it
had filled in would belong to nobody, and server-side apply would merge what the user says later into it."""


def implied() -> Any:
    """Field extra for a default that is not written into the user's object."""
    return Field(json_schema_extra={IMPLIED: True})


def list_set() -> Any:
    """Field extra for a list of which no item may be there twice, whoever wrote it."""
    return Field(json_schema_extra={"x-kubernetes-list-type": "set"})


def known_ones(values: type[StrEnum]) -> Any:
    """Field metadata for a text of which the API server takes these values and the operator reads any.

    What a newer operator has written is stored, and an older one must be able to read it.
    """
    return WithJsonSchema({"type": "string", "enum": [value.value for value in values]})


def preserve_unknown() -> Any:
    """Field extra for an object that is passed through unread."""
    return Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})


WORDS = "x-shipway-words"
"""Schema extra: what the pattern means, for the refusal. A regular expression is no help to whom it refuses."""


def in_words(pattern: str, words: str) -> Any:
    """Field metadata for a text of a certain form: its pattern, and what to write instead when it does not match."""
    return Field(pattern=pattern, json_schema_extra={WORDS: words})


_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
DnsLabel = Annotated[
    str,
    Field(min_length=1, max_length=63),
    in_words(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "write a name of small letters, digits and dashes, such as ranker-v1"),
]
DnsName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    in_words(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "write a name of small letters, digits, dashes and dots"),
]
ShortText = Annotated[str, Field(max_length=256)]
Text = Annotated[str, Field(max_length=1024)]
Decimal = Annotated[
    str,
    Field(max_length=32),
    in_words(_DECIMAL, "write a number in quotes, such as '0.01'"),
]
Digest = Annotated[
    str,
    Field(max_length=71),
    in_words(r"^sha256:[0-9a-f]{64}$", "write sha256: and 64 hexadecimal digits in small letters"),
]
Uri = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    in_words(r"^[a-z][a-z0-9+.-]*://[^\s]+$", "write a whole address with its scheme, such as s3://bucket/path"),
]
Email = Annotated[
    str,
    Field(max_length=254),
    in_words(r"^[^@\s]+@[^@\s]+$", "write one address, such as a@b.com"),
]
Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
Percent = Annotated[int, Field(ge=0, le=100)]
Quantity = Annotated[
    str,
    BeforeValidator(str),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$",
        }
    ),
]
"""An amount of a resource, such as 2, 500m or 4Gi. Whole numbers may be written without quotes.

Its form is not said in words: the API server reckons a rule on a value without a maximal length as too expensive.
"""


class Condition(ApiModel):
    """A standard Kubernetes condition."""

    type: Annotated[str, Field(max_length=64)]
    """CamelCase name of the condition."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds."""
    reason: Annotated[str, Field(min_length=1, max_length=64)]
    """CamelCase reason from a closed list."""
    message: Annotated[str, Field(max_length=2048)] = ""
    """A sentence with the numbers and what would change it."""
    last_transition_time: Time
    """When the status last changed."""
    observed_generation: int = 0
    """The generation of the spec this was decided on."""


class Status(ApiModel):
    """What every status carries."""

    observed_generation: Annotated[int, Field(json_schema_extra={"format": "int64"})] = -1
    """The generation of the spec that this status describes; -1 before the operator has seen the object."""
    conditions: Annotated[list[Condition], Field(max_length=16), list_map("type")] = []
    """The state of the object, each with a reason and a message."""


DNS_LABEL_NAME = Rule(
    "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "metadata.name must begin with a letter and have only small letters, digits and dashes; services are named so",
)
"""For kinds after which services are named: object names may have dots, names of services may not."""


def name_at_most(characters: int, because: str) -> Rule:
    """The rule that keeps a name short enough for the names made of it."""
    return Rule(
        f"size(self.metadata.name) <= {characters}",
        f"metadata.name is longer than {characters} characters; choose a shorter one: {because}",
    )


def decimal_rule(field: str, condition: str, message: str, *, optional: bool = False) -> Rule:
    """A rule on a Decimal field, which may be left out if `optional`; `condition` is CEL about `number`.

    Silent where the text is no number: its form is refused already, and a failed conversion would hide the reason.
    """
    about = condition.replace("number", f"double(self.{field})")
    unset = f"!has(self.{field}) || " if optional else ""
    return Rule(f"{unset}!self.{field}.matches(r'{_DECIMAL}') || ({about})", message, field)


@dataclass(frozen=True)
class Column:
    """A `kubectl get` column; priority 1 shows it with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True)
class Kind:
    """Everything a CustomResourceDefinition says about a kind beside its schema."""

    kind: str
    plural: str
    spec: type[ApiModel]
    status: type[Status]
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    columns: tuple[Column, ...] = ()
    selectable: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = field(default=())
    """CEL rules on the whole object, where `self.metadata.name` is visible."""
    mutable: tuple[str, ...] | None = None
    """The only fields of the spec that may change once it is created; None when all may."""
    change_by: str = ""
    """What to do instead of changing the others, as the end of the refusal's sentence."""

    @property
    def singular(self) -> str:
        """The lower-case singular name."""
        return self.kind.lower()

    @property
    def doc(self) -> str:
        """The first paragraph of the module's docstring for `kubectl explain`."""
        return self.spec.__doc__ or ""
