"""The vocabulary the kinds are written in: models, CEL rules, columns and the description of a kind."""

from dataclasses import dataclass, field
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


def preserve_unknown() -> Any:
    """Field extra for an object that is passed through unread."""
    return Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})


DnsLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
DnsName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
ShortText = Annotated[str, Field(max_length=256)]
Text = Annotated[str, Field(max_length=1024)]
Decimal = Annotated[str, Field(max_length=32, pattern=r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")]
Digest = Annotated[str, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")]
Uri = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[a-z][a-z0-9+.-]*://[^\s]+$")]
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
"""An amount of a resource, such as 2, 500m or 4Gi. Whole numbers may be written without quotes."""


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
