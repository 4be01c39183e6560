"""How commands reach the cluster: the kubeconfig everyone else uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shipway.kube.client import Client
from shipway.kube.credentials import load
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import SERVING_DEPLOYMENT, Object


class CliError(Exception):
    """What the person typed cannot be done; says what would be right."""


@asynccontextmanager
async def cluster() -> AsyncIterator[Client]:
    """A client to the cluster of KUBECONFIG, or of the pod this runs in."""
    async with Client.connect(load()) as client:
        yield client


async def serving_deployment(client: Client, namespace: str, name: str) -> Object:
    """The ServingDeployment.

    Raises:
        CliError: there is none of that name; lists those there are.
    """
    try:
        return await client.get(SERVING_DEPLOYMENT, namespace, name)
    except NotFoundError as error:
        there = [o["metadata"]["name"] for o in (await client.list(SERVING_DEPLOYMENT, namespace)).items]
        known = f"there are: {', '.join(there)}" if there else "there is none; choose another with -n"
        raise CliError(f'no ServingDeployment "{name}" in namespace {namespace} ({known})') from error
