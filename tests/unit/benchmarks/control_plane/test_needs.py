"""What many objects need is made once, and is waited for where it has to report something."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from needs import provide
from subject import Need

from shipway.kube.client import Client, Listing
from shipway.kube.errors import AlreadyExistsError
from shipway.kube.resource import MODEL, MODEL_VERSION, Object, Resource


class Server:
    """Keeps what is created; its objects report Ready from the given look on.

    Args:
        looks: How often it must be listed before.
        there: Names that are taken.
    """

    def __init__(self, looks: int = 1, there: tuple[str, ...] = ()) -> None:
        self.created: list[str] = []
        self.looks = looks
        self._there = there

    async def create(self, _: Resource, body: Object) -> Object:
        if body["metadata"]["name"] in self._there:
            raise AlreadyExistsError("there")
        self.created.append(body["metadata"]["name"])
        return body

    async def list(self, _: Resource) -> Listing:
        self.looks -= 1
        status = {"conditions": [{"type": "Ready", "status": "True" if self.looks <= 0 else "False"}]}
        names = (*self.created, *self._there)
        return Listing([{**named(name), "status": status} for name in names], "1")


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "tenant"}}


def needs(*names: str, resource: Resource = MODEL, condition: str = "") -> Iterator[Need]:
    return (Need(resource, named(name), condition) for name in names)


async def test_what_two_objects_need_is_created_once() -> None:
    server = Server()
    await provide(cast("Client", server), needs("a", "b", "a"), within=1)
    assert server.created == ["a", "b"]


async def test_what_is_there_already_is_left_alone() -> None:
    server = Server(there=("a",))
    await provide(cast("Client", server), needs("a", "b", condition="Ready"), within=1)
    assert server.created == ["b"]


async def test_it_waits_until_all_of_it_reports() -> None:
    server = Server(looks=2)
    await provide(cast("Client", server), needs("a", resource=MODEL_VERSION, condition="Ready"), within=5)
    assert server.looks == 0


async def test_it_says_what_did_not_report_in_time() -> None:
    with pytest.raises(AssertionError, match="1 modelversions are Ready"):
        await provide(cast("Client", Server(looks=9)), needs("a", resource=MODEL_VERSION, condition="Ready"), within=0)
