"""A small HTTP control on the loopback: which segment is replayed, and how it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from aiohttp import web

from shipway_workloads.replay.replay import Replay

MAX_SEGMENT_NAME = 4096


@asynccontextmanager
async def control(replay: Replay, port: int) -> AsyncIterator[None]:
    """Serves `POST /segment` (body: `head`, `all` or a CSV file's path) and `GET /stats` on 127.0.0.1."""
    runner = web.AppRunner(_app(replay), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def _app(replay: Replay) -> web.Application:
    async def post_segment(request: web.Request) -> web.Response:
        name = (await request.text()).strip()
        try:
            interactions = replay.switch(name)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"segment": name, "interactions": interactions})

    async def get_stats(_: web.Request) -> web.Response:
        return web.json_response(asdict(replay.stats()))

    app = web.Application(client_max_size=MAX_SEGMENT_NAME)
    app.add_routes([web.post("/segment", post_segment), web.get("/stats", get_stats)])
    return app
