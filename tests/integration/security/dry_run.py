"""The API server asked what it would store, and what it would refuse."""

import asyncio
import ssl
from dataclasses import dataclass

import aiohttp

from shipway.kube.resource import Object, Resource


@dataclass(frozen=True)
class DryRun:
    """Creates nothing in a namespace under Pod Security `restricted`."""

    session: aiohttp.ClientSession
    url: str
    tls: ssl.SSLContext | bool
    namespace: str
    limit: asyncio.Semaphore

    async def create(self, resource: Resource, body: Object) -> Object | None:
        """The object as it would be stored; None when it is refused as invalid or against a policy."""
        answer = await self.ask(resource, body)
        return answer if answer["kind"] == resource.kind else None

    async def ask(self, resource: Resource, body: Object) -> Object:
        """The object as it would be stored, or the Status that refuses it."""
        meta = {**body["metadata"], "namespace": self.namespace}
        url = f"{self.url}{resource.path(self.namespace)}?dryRun=All"
        typed = {**body, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
        async with (
            self.limit,
            self.session.post(url, json=typed, ssl=self.tls) as response,
        ):
            answer: Object = await response.json()
            assert response.status in {201, 400, 403, 422}, answer
            return answer
