"""The second port: `GET /counters` for release gates and `GET /metrics` for Prometheus, apart from user traffic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from shipway_workloads.serving.counters import Counters

DEFAULT_PORT = 8090


@asynccontextmanager
async def observer(counters: Counters, port: int) -> AsyncIterator[None]:
    """Serves the counters in the running event loop until the block ends."""
    runner = web.AppRunner(_app(counters), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104  (a pod answers on all its addresses)
        yield
    finally:
        await runner.cleanup()


def _app(counters: Counters) -> web.Application:
    async def get_counters(request: web.Request) -> web.Response:
        answers = {"answers": counters.recent.to_json()} if "answers" in request.query else {}
        return web.json_response(counters.to_json() | answers)

    async def get_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(REGISTRY), headers={"content-type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/counters", get_counters), web.get("/metrics", get_metrics)])
    return app
