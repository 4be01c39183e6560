"""The operator's HTTP server: probes, the APIs other modules bring, and metrics on a port of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from shipway.runtime import metrics
from shipway.runtime.cache import ObjectCache
from shipway.runtime.leader import Leadership
from shipway.runtime.queue import WorkQueue

MAX_WAIT_SECONDS = 180.0
"""A key that has waited or been worked on for this long while we lead means that the loop does not turn."""

Check = Callable[[], str | None]
"""Says what is wrong; None when nothing is."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def queue_check(queue: WorkQueue, leadership: Leadership, limit: float = MAX_WAIT_SECONDS) -> Check:
    """Fails when a key waits for too long; a standby lets them wait on purpose."""

    def check() -> str | None:
        oldest = queue.oldest_seconds()
        if not leadership.leading or oldest <= limit:
            return None
        return f"the oldest key waits or runs for {oldest:.0f} s, more than {limit:.0f} s"

    return check


def api_app(
    *, live: Sequence[Check], ready: Sequence[Check], routes: Iterable[web.RouteDef], leadership: Leadership
) -> web.Application:
    """/healthz, /readyz and the given routes, which only the leading process answers."""

    @web.middleware
    async def only_leading(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/") and not leadership.leading:
            message = "this operator is a standby; another pod leads, try again"
            error = {"reason": "Standby", "message": message}
            return web.json_response({"error": error}, status=503, headers={"Retry-After": "1"})
        return await handler(request)

    app = web.Application(middlewares=[only_leading])
    app.add_routes([web.get("/healthz", _probe(live)), web.get("/readyz", _probe(ready)), *routes])
    return app


def metrics_app(
    *,
    queue: WorkQueue,
    cache: ObjectCache,
    leadership: Leadership,
    further: CollectorRegistry,
    guards: Sequence[Middleware] = (),
) -> web.Application:
    """/metrics in the Prometheus text format: the process's own registry and one of the operator's parts.

    Args:
        queue: The work queue.
        cache: What is known.
        leadership: Whether this process leads.
        further: Metrics of the operator's parts.
        guards: Who may read them; anyone who reaches the port without.
    """

    async def scrape(_: web.Request) -> web.Response:
        metrics.DEPTH.set(queue.depth)
        metrics.OLDEST_SECONDS.set(queue.oldest_seconds())
        metrics.LEADING.set(int(leadership.leading))
        for plural, number in cache.sizes().items():
            metrics.OBJECTS.labels(plural).set(number)
        text = generate_latest(REGISTRY) + generate_latest(further)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application(middlewares=guards)
    app.add_routes([web.get("/metrics", scrape)])
    return app


@asynccontextmanager
async def serving(app: web.Application, port: int, *, everywhere: bool = True) -> AsyncIterator[int]:
    """Serve an application while inside.

    Args:
        app: What to serve.
        port: The port; 0 takes a free one of 127.0.0.1 only.
        everywhere: On all addresses, and not on 127.0.0.1 only.

    Yields:
        The port.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        # Without a host it listens by IPv4 and IPv6, but takes two ports when it may choose.
        await web.TCPSite(runner, None if port and everywhere else "127.0.0.1", port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _probe(checks: Sequence[Check]) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        problems = [problem for check in checks if (problem := check())]
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    return answer
