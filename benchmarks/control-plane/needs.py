"""What objects must find when they are created."""

from collections.abc import Iterable
from contextlib import suppress

from cluster import in_parallel
from subject import Need, reports

from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.errors import AlreadyExistsError
from shipway.kube.resource import Resource

Place = tuple[str | None, str]


async def provide(client: Client, needs: Iterable[Need], *, within: float) -> None:
    """Create what is not there yet, once where many need it, and wait until all of it reports what it must.

    Raises:
        AssertionError: something has not reported its condition within so many seconds.
    """
    wanted = {(need.resource, *_place(need)): need for need in needs}
    await in_parallel([_create(client, need) for need in wanted.values()])
    waiting: dict[tuple[Resource, str], set[Place]] = {}
    for need in wanted.values():
        if need.condition:
            waiting.setdefault((need.resource, need.condition), set()).add(_place(need))
    for (resource, condition), places in waiting.items():
        await _all_report(client, resource, condition, places, within=within)


async def _create(client: Client, need: Need) -> None:
    with suppress(AlreadyExistsError):
        await client.create(need.resource, need.body)


async def _all_report(client: Client, resource: Resource, condition: str, places: set[Place], *, within: float) -> None:
    async def told() -> bool:
        objects = (await client.list(resource)).items
        told = {
            (obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in objects if reports(obj, condition)
        }
        return places <= told

    await eventually(told, within=within, every=1, what=f"{len(places)} {resource.plural} are {condition}")


def _place(need: Need) -> Place:
    return need.body["metadata"].get("namespace"), need.body["metadata"]["name"]
