"""A namespace per test, under Pod Security `restricted` as tenants' are."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.lab import NAMESPACE
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import Resource

SERVICE_ACCOUNT = Resource("", "v1", "serviceaccounts", "ServiceAccount")


@asynccontextmanager
async def fresh_namespace(client: Client) -> AsyncIterator[str]:
    """A new namespace in which pods can be created; deleted in the end without waiting for it."""
    name = f"t-{uuid.uuid4().hex[:10]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    await client.create(NAMESPACE, body)
    try:
        await eventually(lambda: client.get(SERVICE_ACCOUNT, name, "default"), what=f"default account of {name}")
        yield name
    finally:
        with contextlib.suppress(NotFoundError):
            await client.delete(NAMESPACE, None, name)
