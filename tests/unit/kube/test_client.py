"""The client against a server that answers as told: retries, errors, lists, watches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from shipway.kube.client import Client, Listing, WatchEvent
from shipway.kube.credentials import Connection, FixedToken
from shipway.kube.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    ServerError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
    from_status,
)
from shipway.kube.resource import MODEL, POD

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Script:
    """Answers in order; the last one again and again. Remembers what came."""

    answers: list[Answer]
    requests: list[tuple[str, str, dict[str, str], dict[str, str], Any]] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.json() if request.body_exists else None
        self.requests.append((request.method, request.path, dict(request.query), dict(request.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@dataclass
class Slept:
    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def talking_to(*answers: Answer, **options: Any) -> AsyncIterator[tuple[Client, Script]]:
    script = Script(list(answers))
    runner = web.ServerRunner(web.Server(script.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    connection = Connection(f"http://127.0.0.1:{port}", options.pop("token", FixedToken("secret")))
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(connection, session, jitter=lambda: 0.5, **options), script
    finally:
        await runner.cleanup()


def ok(body: Any = None) -> Answer:
    return answering(200, body if body is not None else {"metadata": {"name": "a", "resourceVersion": "1"}})


def listed(*names: str, broken: bool = False, then: asyncio.Event | None = None) -> Answer:
    """A list as the API server writes those of built-in kinds: metadata first, no spaces; or all but its end."""
    items = [{"metadata": {"name": name}, "spec": "x" * 200_000} for name in names]
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(msgspec.json.encode(body)[:-2])
        if then is not None:
            await then.wait()
        if broken:
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write(b"]}")
        return response

    return answer


def failure(code: int, reason: str = "", message: str = "no", **headers: str) -> Answer:
    return answering(code, {"kind": "Status", "code": code, "reason": reason, "message": message}, **headers)


def answering(code: int, body: Any, **headers: str) -> Answer:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(body, status=code, headers=headers)

    return answer


async def reset(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silence(_: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def test_a_get_sends_the_token_and_names_the_type() -> None:
    async with talking_to(ok()) as (client, script):
        pod = await client.get(POD, "ns", "a")

    method, path, _, headers, _ = script.requests[0]
    assert (method, path) == ("GET", "/api/v1/namespaces/ns/pods/a")
    assert headers["Authorization"] == "Bearer secret"
    assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")


@pytest.mark.parametrize("trouble", [failure(500), failure(503), failure(429, "TooManyRequests")])
async def test_a_passing_trouble_is_retried(trouble: Answer) -> None:
    slept = Slept()
    async with talking_to(trouble, trouble, ok(), sleep=slept) as (client, script):
        await client.get(POD, "ns", "a")

    assert len(script.requests) == 3
    assert slept.seconds == [pytest.approx(0.1), pytest.approx(0.2)]


async def test_a_reset_connection_is_retried() -> None:
    slept = Slept()
    async with talking_to(reset, ok(), sleep=slept) as (client, _):
        await client.create(POD, {"metadata": {"namespace": "ns", "name": "a"}})

    assert len(slept.seconds) == 1


async def test_retry_after_is_respected_up_to_ten_seconds() -> None:
    slept = Slept()
    hour = {"Retry-After": "3600"}
    async with talking_to(failure(429, **{"Retry-After": "3"}), failure(429, **hour), ok(), sleep=slept) as (client, _):
        await client.get(POD, "ns", "a")

    assert slept.seconds == [3, 10]


async def test_a_lasting_trouble_is_raised_after_five_sends() -> None:
    async with talking_to(failure(500, message="etcd is away"), sleep=Slept()) as (client, script):
        with pytest.raises(ServerError, match="etcd is away"):
            await client.get(POD, "ns", "a")

    assert len(script.requests) == 5


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 422])
async def test_an_answer_that_stays_is_not_asked_for_again(code: int) -> None:
    async with talking_to(failure(code), sleep=Slept()) as (client, script):
        with pytest.raises(ApiError):
            await client.create(POD, {"metadata": {"namespace": "ns", "name": "a"}})

    assert len(script.requests) == 1


async def test_a_refused_token_is_read_again_once() -> None:
    class Renewed:
        value = "old"

        async def get(self) -> str:
            return self.value

        def expire(self) -> None:
            self.value = "new"

    async with talking_to(failure(401), failure(401), sleep=Slept(), token=Renewed()) as (client, script):
        with pytest.raises(UnauthorizedError):
            await client.get(POD, "ns", "a")

    assert [headers["Authorization"] for _, _, _, headers, _ in script.requests] == ["Bearer old", "Bearer new"]


class FencedError(Exception):
    """Writing is forbidden."""


@dataclass
class Fence:
    """Lets some checks pass; two come with each send."""

    checks: int

    def __call__(self) -> None:
        self.checks -= 1
        if self.checks < 0:
            raise FencedError


async def test_nothing_is_sent_once_writing_is_forbidden_not_even_a_retry() -> None:
    async with talking_to(failure(500), sleep=Slept()) as (client, script):
        with pytest.raises(FencedError):
            await client.guarded(Fence(4)).apply(POD, {"metadata": {"namespace": "ns", "name": "a"}})

    assert len(script.requests) == 2


async def test_what_was_allowed_before_a_connection_was_free_is_not_sent_when_it_is_forbidden_then() -> None:
    async with talking_to(ok(), sleep=Slept()) as (client, script):
        with pytest.raises(FencedError):
            await client.guarded(Fence(1)).delete(POD, "ns", "a", uid="u-1")
        assert script.requests == []
        await client.guarded(Fence(2)).apply(POD, {"metadata": {"namespace": "ns", "name": "a"}})

    assert len(script.requests) == 1


async def test_guards_add_up_and_reads_pass_them() -> None:
    calls: list[str] = []
    async with talking_to(ok()) as (client, _):
        guarded = client.guarded(lambda: calls.append("first")).guarded(lambda: calls.append("second"))
        await guarded.get(POD, "ns", "a")
        assert calls == []
        await guarded.apply(POD, {"metadata": {"namespace": "ns", "name": "a"}})

    assert calls == ["first", "second"] * 2


async def names_of(parts: AsyncIterator[Listing]) -> list[list[str]]:
    return [[item["metadata"]["name"] for item in part.items] async for part in parts]


async def test_a_list_is_asked_for_as_a_whole() -> None:
    async with talking_to(listed("a", "b")) as (client, script):
        listing = await client.list(POD, "ns", selector="a=b")

    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b"]
    assert listing.resource_version == "7"
    assert [query for _, _, query, _, _ in script.requests] == [{"labelSelector": "a=b"}]


async def test_objects_are_used_before_the_list_is_over() -> None:
    rest = asyncio.Event()
    async with talking_to(listed(*"abcdefgh", then=rest)) as (client, _):
        parts = client.parts(POD, "ns")
        first = await anext(parts)
        rest.set()
        others = await names_of(parts)

    early = [item["metadata"]["name"] for item in first.items]
    assert early
    assert early + others[0] == list("abcdefgh")


async def test_a_list_that_breaks_off_before_anything_was_given_is_asked_for_again() -> None:
    async with talking_to(listed("a", broken=True), listed("b"), sleep=Slept()) as (client, _):
        assert await names_of(client.parts(POD, "ns")) == [["b"]]


async def test_a_list_that_breaks_off_later_says_so_for_two_lists_are_not_of_one_moment() -> None:
    async with talking_to(listed(*"abcdefgh", broken=True), listed("b"), sleep=Slept()) as (client, script):
        with pytest.raises(UnreachableError):
            await names_of(client.parts(POD, "ns"))

    assert len(script.requests) == 1


async def test_a_list_that_is_left_early_gives_its_connection_back() -> None:
    never = asyncio.Event()
    async with talking_to(listed(*"abcdefgh", then=never), ok()) as (client, _):
        parts = client.parts(POD, "ns")
        await anext(parts)
        await parts.aclose()
        assert (await client.get(POD, "ns", "a"))["metadata"]["name"] == "a"


async def test_a_delete_may_depend_on_the_version() -> None:
    async with talking_to(ok({"kind": "Status", "status": "Success"})) as (client, script):
        await client.delete(POD, "ns", "a", uid="u-1", version="7")

    assert script.requests[0][4]["preconditions"] == {"uid": "u-1", "resourceVersion": "7"}


async def test_a_delete_names_the_incarnation() -> None:
    async with talking_to(ok({"kind": "Status", "status": "Success"})) as (client, script):
        answer = await client.delete(POD, "ns", "a", uid="u-1", grace_seconds=0)

    _, _, _, _, body = script.requests[0]
    assert body["preconditions"] == {"uid": "u-1"}
    assert body["gracePeriodSeconds"] == 0
    assert answer is None


@pytest.mark.parametrize(
    ("left", "waits"),
    [
        ({"deletionGracePeriodSeconds": 0}, False),
        ({"deletionGracePeriodSeconds": 30}, True),
        ({"deletionGracePeriodSeconds": 0, "finalizers": ["a.dev/hold"]}, True),
    ],
)
async def test_a_delete_that_is_answered_with_the_object_says_whether_it_is_gone(
    left: dict[str, Any], waits: bool
) -> None:
    async with talking_to(ok({"kind": "Pod", "metadata": {"name": "a", **left}})) as (client, _):
        assert (await client.delete(POD, "ns", "a") is not None) == waits


async def test_an_apply_is_forced_under_our_name() -> None:
    async with talking_to(ok()) as (client, script):
        await client.apply(MODEL, {"metadata": {"namespace": "ns", "name": "a"}})

    method, path, query, headers, _ = script.requests[0]
    assert (method, path) == ("PATCH", "/apis/shipway.dev/v1alpha1/namespaces/ns/models/a")
    assert query == {"fieldManager": "shipway", "force": "true"}
    assert headers["Content-Type"] == "application/apply-patch+yaml"


def streaming(*chunks: bytes, cut: bool = False) -> Answer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if cut:
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write_eof()
        return response

    return answer


async def watched(client: Client) -> list[WatchEvent]:
    return [event async for event in client.watch(POD, "ns", since="5")]


async def test_a_watch_brings_events_however_they_are_cut_into_chunks() -> None:
    big = b"x" * 300_000
    text = (
        b'{"type":"ADDED","object":{"metadata":{"name":"'
        + big
        + b'"}}}\n{"type":"BOOKMARK","object":{"metadata":{}}}\n'
    )
    async with talking_to(streaming(text[:10], text[10:1000], text[1000:])) as (client, script):
        events = await watched(client)

    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert len(events[0].object["metadata"]["name"]) == len(big)
    assert script.requests[0][2]["allowWatchBookmarks"] == "true"


async def test_a_watch_from_too_long_ago_says_so() -> None:
    error = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
    async with talking_to(streaming(error)) as (client, _):
        with pytest.raises(GoneError, match="too old"):
            await watched(client)


async def test_a_watch_that_is_cut_off_says_so() -> None:
    event = b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n'
    async with talking_to(streaming(event, cut=True)) as (client, _):
        with pytest.raises(UnreachableError):
            await watched(client)


async def test_a_watch_of_what_is_not_served_says_so() -> None:
    async with talking_to(failure(404, "NotFound")) as (client, _):
        with pytest.raises(NotFoundError):
            await watched(client)


@pytest.mark.parametrize(
    ("code", "reason", "type_"),
    [
        (403, "Forbidden", ForbiddenError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (422, "Invalid", InvalidError),
        (429, "TooManyRequests", ThrottledError),
        (502, "", ServerError),
    ],
)
def test_the_servers_words_become_an_exception(code: int, reason: str, type_: type[ApiError]) -> None:
    error = from_status(code, {"code": code, "reason": reason, "message": "spec.nodes: too many"})

    assert type(error) is type_
    assert "spec.nodes: too many" in str(error)


@given(st.integers(400, 599), st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.text())))
def test_any_error_answer_becomes_an_exception(code: int, body: Any) -> None:
    assert isinstance(from_status(code, body), ApiError)
