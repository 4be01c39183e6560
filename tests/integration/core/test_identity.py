"""Whose token it is, as the API server says."""

import pytest

from harness.lab import Lab
from shipway.kube.client import Client
from shipway.kube.identity import AUDIENCE, REMEMBER_SECONDS, TokenReviewer
from shipway.kube.resource import Resource

pytestmark = pytest.mark.lab

TOKENS = Resource("", "v1", "serviceaccounts/default/token", "TokenRequest")


async def token_for(kube: Client, namespace: str, audience: str) -> str:
    spec = {"audiences": [audience], "expirationSeconds": 600}
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"namespace": namespace}}
    return str((await kube.create(TOKENS, {**request, "spec": spec}))["status"]["token"])


async def test_a_token_of_our_audience_names_its_service_account(lab: Lab, kube: Client, namespace: str) -> None:
    async with Client.connect(lab.operator) as client:
        caller = await TokenReviewer(client).review(await token_for(kube, namespace, AUDIENCE))

    assert caller is not None
    assert (caller.namespace, caller.name, caller.pod) == (namespace, "default", None)


async def test_a_token_of_another_audience_is_nobodys(lab: Lab, kube: Client, namespace: str) -> None:
    async with Client.connect(lab.operator) as client:
        reviewer = TokenReviewer(client)

        assert await reviewer.review(await token_for(kube, namespace, "somebody.else")) is None
        assert await reviewer.review("no token at all") is None


async def test_a_review_is_remembered_for_a_minute(lab: Lab, kube: Client, namespace: str) -> None:
    now, asked = 0.0, 0

    def count() -> None:
        nonlocal asked
        asked += 1

    async with Client.connect(lab.operator) as client:
        reviewer = TokenReviewer(client.guarded(count), monotonic=lambda: now)
        token = await token_for(kube, namespace, AUDIENCE)
        first = await reviewer.review(token)
        now = REMEMBER_SECONDS - 1
        assert await reviewer.review(token) == first
        assert asked == 1
        now = REMEMBER_SECONDS
        assert await reviewer.review(token) == first
        assert asked == 2
