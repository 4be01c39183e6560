"""The vocabulary of the API: what is parsed, what is sent, what the CRDs accept of it."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from admission import admit, kind_named, schema_of, with_defaults
from manifests import minimal
from shipway.api.schema import ApiModel, Quantity
from shipway.api.v1alpha1 import KINDS
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec

KIND_NAMES = [kind.kind for kind in KINDS]


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_python_and_the_api_server_fill_in_the_same_defaults(kind: str) -> None:
    """Else a reconciler would see another spec in a test than in the cluster."""
    obj = minimal(kind)
    model = kind_named(kind).spec

    stored = with_defaults(schema_of(kind), obj)["spec"]

    assert model.model_validate(stored) == model.model_validate(obj["spec"])


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_what_python_sends_is_admitted(kind: str) -> None:
    obj = minimal(kind)
    sent = kind_named(kind).spec.model_validate(obj["spec"]).to_wire()

    assert admit({**obj, "spec": sent}) == []


def test_fields_of_a_newer_operator_are_ignored() -> None:
    spec = minimal("TrainingJob")["spec"]

    assert TrainingJobSpec.model_validate({**spec, "inventedLater": 1}) == TrainingJobSpec.model_validate(spec)


def test_a_model_cannot_be_changed_in_place() -> None:
    spec = TrainingJobSpec.model_validate(minimal("TrainingJob")["spec"])

    with pytest.raises(ValidationError, match="frozen"):
        spec.nodes = 2


@given(st.one_of(st.integers(0, 10**9), st.from_regex(r"[1-9][0-9]{0,3}(m|Ki|Mi|Gi)?", fullmatch=True)))
def test_a_quantity_is_read_as_text_however_it_was_written(written: int | str) -> None:
    assert TypeAdapter(Quantity).validate_python(written) == str(written)


class _Two(ApiModel):
    two_words: Annotated[int, Field(ge=0)] | None = None


def test_the_wire_is_camel_case_and_leaves_out_what_is_unset() -> None:
    assert _Two(two_words=1).to_wire() == {"twoWords": 1}
    assert _Two().to_wire() == {}
    assert _Two.model_validate({"twoWords": 1}) == _Two(two_words=1)
