"""What runs beside the operator in a story: programs of others, small servers, and an operator that knows of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.replay import World, running
from integration.serving.players import playing
from shipway.kube.client import Client
from shipway.parts import Build, Parts, build
from shipway.runtime.clock import Clock
from shipway.runtime.queue import WorkQueue
from shipway.settings import Settings
from shipway_lab import paths
from shipway_lab.artifacts.cache import Artifact, Cache
from shipway_lab.artifacts.progress import Progress


def knowing(**settings: str) -> Build:
    """Production's controllers with other settings."""

    def with_settings(
        given: Settings, client: Client, queue: WorkQueue, registry: CollectorRegistry, clock: Clock
    ) -> Parts:
        return build(replace(given, **settings), client, queue, registry, clock)

    return with_settings


@asynccontextmanager
async def telling(lab: Lab, kube: Client, namespace: str, made: Build) -> AsyncIterator[World]:
    """A world with an operator and everyone else."""
    world = World(kube, namespace, ShiftedClock())
    async with running(world, lab, build=made), playing(world):
        yield world


@asynccontextmanager
async def program(path: Path, *arguments: str) -> AsyncIterator[None]:
    """A program until it is ended.

    Raises:
        ProcessLookupError: it has ended by itself.
    """
    process = await asyncio.create_subprocess_exec(path, *arguments)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def made(artifact: Artifact) -> Path:
    """What the lab makes of it, from its cache."""
    return Cache(paths.cache_home()).ensure(artifact, Progress())


@asynccontextmanager
async def answering(handler: Any, address: str, port: int) -> AsyncIterator[None]:
    """A server with one answer for every path."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        yield
    finally:
        await runner.cleanup()
