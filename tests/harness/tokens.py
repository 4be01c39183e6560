"""Tokens of service accounts, as the API server issues them."""

from typing import Any

from shipway.kube.client import Client
from shipway.kube.resource import Object, Resource


async def service_account_token(
    client: Client,
    namespace: str,
    account: str = "default",
    *,
    audience: str | None = None,
    pod: Object | None = None,
    seconds: int = 3600,
) -> str:
    """A token of a service account.

    Args:
        client: Who asks.
        namespace: Of the account.
        account: Its name.
        audience: Whom it is meant for; the API server when left out.
        pod: The pod it is bound to.
        seconds: How long it is valid.
    """
    spec: dict[str, Any] = {"expirationSeconds": seconds}
    if audience:
        spec["audiences"] = [audience]
    if pod:
        meta = pod["metadata"]
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    request = Resource("", "v1", f"serviceaccounts/{account}/token", "TokenRequest")
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {"namespace": namespace},
        "spec": spec,
    }
    return str((await client.create(request, body))["status"]["token"])
