"""The doorkeeper's answers; which tokens and rights are good is asked of a real API server in the integration tests."""

from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web

from shipway.kube.access import Access
from shipway.kube.errors import UnreachableError
from shipway.runtime.bearer import AccessReview, doorkeeper
from shipway.runtime.health import serving

BEARER = {"Authorization": "Bearer abc"}


async def ask(review: AccessReview, headers: Mapping[str, str] = BEARER) -> tuple[int, str]:
    async def secret(_: web.Request) -> web.Response:
        return web.Response(text="secret")

    app = web.Application(middlewares=[doorkeeper(review)])
    app.add_routes([web.get("/metrics", secret)])
    async with (
        serving(app, 0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics", headers=headers) as response,
    ):
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("access", "status", "says"),
    [
        (Access.GRANTED, 200, "secret"),
        (Access.DENIED, 403, "nonResourceURLs /metrics"),
        (Access.UNKNOWN, 401, "not valid"),
    ],
)
async def test_each_verdict_has_its_answer_with_what_would_be_right(access: Access, status: int, says: str) -> None:
    async def review(token: str) -> Access:
        assert token == "abc"
        return access

    got, text = await ask(review)
    assert (got, says in text) == (status, True)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "}])
async def test_without_a_token_nobody_is_asked(headers: dict[str, str]) -> None:
    async def review(_: str) -> Access:
        raise AssertionError("there is nothing to ask about")

    status, text = await ask(review, headers)
    assert (status, "Bearer TOKEN" in text) == (401, True)


async def test_nobody_comes_in_while_the_api_server_cannot_be_asked() -> None:
    async def review(_: str) -> Access:
        raise UnreachableError("connection refused")

    status, text = await ask(review)
    assert (status, "connection refused" in text) == (503, True)
