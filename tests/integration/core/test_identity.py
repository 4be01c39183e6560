"""Whose token it is, as the API server says."""

import pytest

from harness.lab import Lab
from harness.tokens import service_account_token
from shipway.kube.client import Client
from shipway.kube.identity import AUDIENCE, REMEMBER_SECONDS, TokenReviewer

pytestmark = pytest.mark.lab


async def test_a_token_of_our_audience_names_its_service_account(lab: Lab, kube: Client, namespace: str) -> None:
    async with Client.connect(lab.operator) as client:
        caller = await TokenReviewer(client).review(await service_account_token(kube, namespace, audience=AUDIENCE))

    assert caller is not None
    assert (caller.namespace, caller.name, caller.pod) == (namespace, "default", None)


async def test_a_token_of_another_audience_is_nobodys(lab: Lab, kube: Client, namespace: str) -> None:
    async with Client.connect(lab.operator) as client:
        reviewer = TokenReviewer(client)

        assert await reviewer.review(await service_account_token(kube, namespace, audience="somebody.else")) is None
        assert await reviewer.review("no token at all") is None


async def test_a_review_is_remembered_for_a_minute(lab: Lab, kube: Client, namespace: str) -> None:
    now, asked = 0.0, 0

    def count() -> None:
        nonlocal asked
        asked += 1

    async with Client.connect(lab.operator) as client:
        reviewer = TokenReviewer(client.guarded(count), monotonic=lambda: now)
        token = await service_account_token(kube, namespace, audience=AUDIENCE)
        first = await reviewer.review(token)
        once = asked
        now = REMEMBER_SECONDS - 1
        assert await reviewer.review(token) == first
        assert asked == once
        now = REMEMBER_SECONDS
        assert await reviewer.review(token) == first
        assert asked == 2 * once
