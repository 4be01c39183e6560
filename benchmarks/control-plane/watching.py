"""Everything of a kind that appears or changes, as any client sees it: through a watch."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from shipway.kube.client import Client
from shipway.kube.errors import ApiError
from shipway.kube.resource import Object, Resource


async def follow(
    client: Client, resource: Resource, selector: str, take: Callable[[Object], None]
) -> asyncio.Task[None]:
    """Begin to take every object that appears or changes from now on; cancel the task to end it."""
    version = (await client.list(resource, selector=selector)).resource_version
    return asyncio.create_task(_take(client, resource, selector, take, version))


async def _take(
    client: Client, resource: Resource, selector: str, take: Callable[[Object], None], version: str
) -> None:
    while True:
        with suppress(ApiError):
            async for event in client.watch(resource, since=version, selector=selector):
                version = event.object["metadata"]["resourceVersion"]
                if event.type in ("ADDED", "MODIFIED"):
                    take(event.object)
