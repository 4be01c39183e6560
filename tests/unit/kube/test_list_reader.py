"""A list gives the objects it has, wherever the bytes are cut and whatever is in them."""

from typing import Any, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.kube import list_reader
from shipway.kube.list_reader import ListReader

TEXTS = st.sampled_from(["", "a", '},{"metadata":{', '"items":[', "}]}", "\\", '"', "é", '{"metadata":{}}'])
INNER = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NESTED = st.lists(st.fixed_dictionaries({"metadata": st.fixed_dictionaries({"name": TEXTS})}), max_size=3)
OBJECTS = st.lists(
    st.fixed_dictionaries({"metadata": st.fixed_dictionaries({"name": TEXTS}), "spec": INNER, "templates": NESTED}),
    max_size=12,
)
TYPED = {"apiVersion": "v1", "kind": "Thing"}


class Name(TypedDict, total=False):
    name: Any


class Named(TypedDict, total=False):
    metadata: Name


def built_in(objects: list[Any]) -> bytes:
    """As the API server writes lists of its own kinds: metadata first."""
    return msgspec.json.encode({"kind": "ThingList", "metadata": {"resourceVersion": "7"}, "items": objects})


def custom(objects: list[Any]) -> bytes:
    """As it writes those of a CRD: metadata last, and every object with its type."""
    typed = [{**TYPED, **obj} for obj in objects]
    return msgspec.json.encode({"apiVersion": "v1", "items": typed, "metadata": {"resourceVersion": "7"}})


def read(body: bytes, sizes: list[int], shape: type | None = None) -> tuple[list[Any], str, int]:
    """The objects, the version, and how many were there before the last byte."""
    reader, found = ListReader(shape), []
    while body:
        size = sizes.pop() if sizes else len(body)
        chunk, body = body[:size], body[size:]
        found += reader.take(chunk)
    early = len(found)
    items, version = reader.rest()
    return found + items, version, early


@pytest.fixture(autouse=True)
def _parts_of_a_few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_reader, "PART_BYTES", 64)


@given(OBJECTS, st.lists(st.integers(1, 90), max_size=60))
def test_what_was_written_is_read_wherever_it_is_cut(objects: list[Any], sizes: list[int]):
    assert read(built_in(objects), [*sizes])[:2] == (objects, "7")
    assert read(custom(objects), [*sizes])[:2] == ([{**TYPED, **obj} for obj in objects], "7")


@given(OBJECTS, st.lists(st.integers(1, 90), max_size=60))
def test_a_shape_leaves_out_what_is_not_in_it(objects: list[Any], sizes: list[int]):
    names = [{"metadata": {"name": obj["metadata"]["name"]}} for obj in objects]
    assert read(built_in(objects), sizes, Named)[0] == names


@pytest.mark.parametrize("write", [built_in, custom])
def test_objects_are_given_before_the_list_is_over(write: Any):
    _, _, early = read(write([{"metadata": {"name": f"{number}"}} for number in range(100)]), [50] * 1000)
    assert early >= 90


def test_a_list_that_broke_off_is_no_list():
    body = built_in([{"metadata": {"name": "a"}}] * 20)
    with pytest.raises(msgspec.DecodeError):
        read(body[:-3], [40] * 100)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"kind":"Status"}'])
def test_what_is_no_list_is_not_taken_for_an_empty_one(body: bytes):
    with pytest.raises(msgspec.DecodeError):
        read(body, [])
