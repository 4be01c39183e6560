"""The one HTTP client to the API server: aiohttp and msgspec, plain dictionaries, retries, metrics."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import msgspec
from prometheus_client import Counter, Histogram

from shipway.kube import wire
from shipway.kube.credentials import Connection
from shipway.kube.errors import ApiError, UnauthorizedError, UnreachableError, from_status
from shipway.kube.list_reader import ListReader
from shipway.kube.resource import Object, Resource
from shipway.kube.wire import AS_IT_COMES, Checked, decoded, lines, retry_after

FIELD_MANAGER = "shipway"
ATTEMPTS = 5
FIRST_DELAY_SECONDS = 0.1
MAX_DELAY_SECONDS = 10.0
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)
LIST_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=20)  # the server ends it after a minute
WATCH_SECONDS = 300
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)  # bookmarks come once a minute
APPLY = "application/apply-patch+yaml"  # JSON is YAML
MERGE = "application/merge-patch+json"
ONE_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

SECONDS = Histogram(
    "rest_client_request_duration_seconds",
    "Time from sending a request to its whole answer, retries not included",
    ["verb", "resource"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
REQUESTS = Counter("rest_client_requests", "Requests by verb and HTTP status; 0 is no answer", ["verb", "code"])


@dataclass(frozen=True)
class Listing:
    """A part of a list, or all of it; only the last part, and all, has a resourceVersion."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True)
class WatchEvent:
    """ADDED, MODIFIED, DELETED or BOOKMARK with its object."""

    type: str
    object: Object


def _allow() -> None:
    return None


class Client:
    """Requests to one API server over one pooled session.

    Every method raises a subclass of `ApiError`. Connection errors, 429 and 5xx are tried up to five times, with
    backoff: safe because every write is idempotent (names are deterministic, deletes carry a uid, applies are whole).

    Args:
        connection: Server and identity.
        session: The aiohttp session to use.
        before_write: Called before each single send of a write, retries too, and again when a connection is free and
            the bytes go out; raises to forbid it.
        sleep: Waits for some seconds.
        jitter: A random number in [0, 1).
    """

    def __init__(
        self,
        connection: Connection,
        session: aiohttp.ClientSession,
        *,
        before_write: Callable[[], None] = _allow,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.connection = connection
        """Server and identity."""
        self._session = session
        self._before_write = before_write
        self._sleep = sleep
        self._jitter = jitter
        self._ssl = connection.ssl_context()

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, connection: Connection, *, limit: int = 64, agent: str = FIELD_MANAGER
    ) -> AsyncIterator[Self]:
        """A client with a session of its own, closed at the end.

        Args:
            connection: Server and identity.
            limit: Connections at a time.
            agent: User-Agent, by which the audit log tells one process from another.
        """
        connector = aiohttp.TCPConnector(limit=limit, keepalive_timeout=60)
        async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": agent, **AS_IT_COMES}) as session:
            yield cls(connection, session)

    def guarded(self, before_write: Callable[[], None]) -> "Client":
        """The same client with one more check before each send of a write."""

        def checks() -> None:
            self._before_write()
            before_write()

        return Client(self.connection, self._session, before_write=checks, sleep=self._sleep, jitter=self._jitter)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        """One object."""
        return await self._object("get", "GET", resource, resource.path(namespace, name))

    async def parts(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        selector: str = "",
        metadata_only: bool = False,
        shape: type | None = None,
    ) -> AsyncGenerator[Listing, None]:
        """A list as it arrives, part by part; all parts are of one moment, and the last one tells its resourceVersion.

        Objects come without `managedFields`; with a `shape`, a TypedDict, with nothing but what is in it.

        Raises:
            UnreachableError: the list broke off; what came before may have been given.
        """
        params = {"labelSelector": selector} if selector else {}
        accept = METADATA_ONLY if metadata_only else None
        given = False
        for attempt in range(1, ATTEMPTS + 1):
            reading = self._read_list(resource, namespace, shape, params=params, accept=accept)
            try:
                async with aclosing(reading):
                    async for part in reading:
                        given = True
                        yield part
            except ApiError as error:
                if given or attempt == ATTEMPTS or not self._worth_a_retry(error, attempt):
                    raise
                await self._sleep(self._delay(error, attempt))
            else:
                return

    async def list(
        self, resource: Resource, namespace: str | None = None, *, selector: str = "", metadata_only: bool = False
    ) -> Listing:
        """A whole list."""
        items: list[Object] = []
        version = ""
        async for part in self.parts(resource, namespace, selector=selector, metadata_only=metadata_only):
            items.extend(part.items)
            version = part.resource_version
        return Listing(items, version)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        since: str,
        selector: str = "",
        shape: type | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        """Changes after a resourceVersion, bookmarks included, until the server ends the stream after some minutes.

        Objects are as those of `parts`.

        Raises:
            GoneError: `since` is too old; list again.
            UnreachableError: the stream was cut or has been silent for two minutes.
        """
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(int(WATCH_SECONDS * (1 + self._jitter() / 4))),
        }
        if selector:
            params["labelSelector"] = selector
        async with self._response("GET", resource.path(namespace), params=params, timeout=WATCH_TIMEOUT) as response:
            if response.status >= 400:
                raise from_status(response.status, decoded(await response.read()))
            async for line in lines(response):
                type_, obj = wire.event(line, shape)
                if type_ == "ERROR":
                    raise from_status(0, obj)
                yield WatchEvent(type_, _typed(resource, obj))

    async def create(self, resource: Resource, body: Object, *, metadata_only: bool = False) -> Object:
        """Create an object; a virtual one, such as a TokenReview, is answered."""
        path = resource.path(body["metadata"].get("namespace"))
        accept = ONE_METADATA_ONLY if metadata_only else None
        return await self._object("create", "POST", resource, path, body=body, accept=accept)

    async def apply(self, resource: Resource, body: Object) -> Object:
        """Server-side apply, forced: these fields are ours.

        Raises:
            ConflictError: the body carries a resourceVersion or uid that is no longer the object's.
        """
        meta = body["metadata"]
        path = resource.path(meta.get("namespace"), meta["name"])
        params = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._object("apply", "PATCH", resource, path, params=params, body=body, content_type=APPLY)

    async def write_status(self, resource: Resource, body: Object) -> Object:
        """Set the whole status to the body's, if the object still has the body's resourceVersion.

        A replacement and not an apply: fields another manager left behind must not survive it, or the stored status
        would differ from the decided one for ever.

        Raises:
            ConflictError: the object has changed since.
        """
        meta = body["metadata"]
        path = resource.path(meta.get("namespace"), meta["name"], "status")
        # What is not of the status is ignored by the server, but for the version and the uid, which it compares.
        kept = {name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion") if name in meta}
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": kept, "status": body["status"]}
        params = {"fieldManager": FIELD_MANAGER}
        return await self._object("write_status", "PUT", resource, path, params=params, body=whole)

    async def merge_patch(
        self, resource: Resource, namespace: str | None, name: str, patch: Mapping[str, Any], *, subresource: str = ""
    ) -> Object:
        """Merge into an object; a resourceVersion in the patch's metadata is a precondition."""
        path = resource.path(namespace, name, subresource)
        return await self._patch("merge_patch", resource, path, patch, MERGE)

    async def merge_patch_status(
        self, resource: Resource, namespace: str | None, name: str, status: Mapping[str, Any]
    ) -> Object:
        """Merge into an object's status."""
        return await self.merge_patch(resource, namespace, name, {"status": status}, subresource="status")

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        version: str | None = None,
        grace_seconds: int | None = None,
        propagation: str = "Background",
    ) -> Object | None:
        """Delete an object, only this incarnation where a uid is given, only as it was at a resourceVersion.

        Returns:
            The object as it waits for its end, or None when it is gone.

        Raises:
            ConflictError: the object of that name is another one, or has changed since.
        """
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid or version:
            wanted = {"uid": uid, "resourceVersion": version}
            options["preconditions"] = {name: value for name, value in wanted.items() if value}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        answer = await self._send("delete", "DELETE", resource, resource.path(namespace, name), body=options)
        return _typed(resource, answer) if _waits_for_its_end(answer) else None

    async def _read_list(
        self, resource: Resource, namespace: str | None, shape: type | None, **request: Any
    ) -> AsyncGenerator[Listing, None]:
        reader, path = ListReader(shape), resource.path(namespace)
        async with self._counted("list", "GET", resource, path, timeout=LIST_TIMEOUT, **request) as response:
            async for chunk in response.content.iter_any():
                if items := reader.take(chunk):
                    yield Listing([_typed(resource, item) for item in items], "")
        try:
            items, version = reader.rest()
        except msgspec.DecodeError as error:
            raise UnreachableError(f"GET {path}: the list broke off: {error}") from error
        yield Listing([_typed(resource, item) for item in items], version)

    async def _patch(self, verb: str, resource: Resource, path: str, patch: Any, content_type: str) -> Object:
        params = {"fieldManager": FIELD_MANAGER}
        return await self._object(verb, "PATCH", resource, path, params=params, body=patch, content_type=content_type)

    async def _object(self, verb: str, method: str, resource: Resource, path: str, **request: Any) -> Object:
        return _typed(resource, await self._send(verb, method, resource, path, **request))

    async def _send(self, verb: str, method: str, resource: Resource, path: str, **request: Any) -> Any:
        return decoded(await self._bytes(verb, method, resource, path, **request))

    async def _bytes(self, verb: str, method: str, resource: Resource, path: str, **request: Any) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._send_once(verb, method, resource, path, **request)
            except ApiError as error:
                if attempt == ATTEMPTS or not self._worth_a_retry(error, attempt):
                    raise
                await self._sleep(self._delay(error, attempt))
        raise AssertionError("unreachable")

    def _worth_a_retry(self, error: ApiError, attempt: int) -> bool:
        if isinstance(error, UnauthorizedError) and attempt == 1:
            self.connection.token.expire()
            return True
        return error.retryable

    def _delay(self, error: ApiError, attempt: int) -> float:
        if error.retry_after is not None:
            return min(error.retry_after, MAX_DELAY_SECONDS)
        return float(FIRST_DELAY_SECONDS * 2 ** (attempt - 1) * (0.5 + self._jitter()))

    async def _send_once(self, verb: str, method: str, resource: Resource, path: str, **request: Any) -> bytes:
        if method != "GET":
            self._before_write()
        async with self._counted(verb, method, resource, path, timeout=REQUEST_TIMEOUT, **request) as response:
            return await response.read()

    @asynccontextmanager
    async def _counted(
        self, verb: str, method: str, resource: Resource, path: str, **request: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, unless it is an error; on the metrics once it is read."""
        start = time.monotonic()
        code = 0
        try:
            async with self._response(method, path, **request) as response:
                code = response.status
                if code >= 400:
                    raise from_status(code, decoded(await response.read()), retry_after=retry_after(response))
                yield response
        finally:
            SECONDS.labels(verb, resource.plural).observe(time.monotonic() - start)
            REQUESTS.labels(verb, str(code)).inc()

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, it covers connecting and reading
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": accept or "application/json"}
        if token := await self.connection.token.get():
            headers["Authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data = Checked(msgspec.json.encode(body), self._before_write)
            headers["Content-Type"] = content_type
        try:
            async with self._session.request(
                method,
                self.connection.server + path,
                params=params,
                data=data,
                headers=headers,
                ssl=self._ssl,
                timeout=timeout,
            ) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise UnreachableError(f"{method} {path}: {error or type(error).__name__}") from error


def _typed(resource: Resource, obj: Object) -> Object:
    # Items of a list lack their type, and metadata-only items carry another one.
    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
    return obj


def _waits_for_its_end(answer: Object) -> bool:
    """Whether a deletion left an object; for some kinds, pods among them, the answer is the object even if it is gone.

    What is left has finalizers or a time to end in, what is gone has neither.
    """
    if answer.get("kind") == "Status":
        return False
    meta = answer["metadata"]
    return bool(meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"))
