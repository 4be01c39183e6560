"""Operators one after another behind the proxy: killed by the dice, started anew when they end by themselves."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from faults.diary import note
from faults.history import History
from harness.lab import Lab
from harness.replay import Killed, World, suppress_killed
from shipway.kube.client import Client
from shipway.kube.resource import Resource
from shipway.main import Operator
from shipway.settings import Settings

SWEEP_SECONDS = 3.0
RESTART_SECONDS = 0.3

log = logging.getLogger(__name__)


@dataclass
class Keeper:
    """Keeps an operator running.

    Attributes:
        mean: Whether operators are killed.
        killed: How many were.
        ended: How many ended by themselves, as a process would that its kubelet starts anew.
    """

    world: World
    history: History
    lab: Lab
    server: str
    dice: random.Random
    mean: bool = True
    killed: int = 0
    ended: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """One operator after another until told to stop."""
        while not stop.is_set():
            try:
                await self._life(stop)
            except Exception as error:
                self.ended += 1
                log.warning("the operator ended by itself", exc_info=error)
                await asyncio.sleep(RESTART_SECONDS)

    async def _life(self, stop: asyncio.Event) -> None:
        """One operator: dies after some writes or some seconds, whichever comes first."""
        dead = asyncio.Event()
        written, last = 0, self.dice.randint(1, 25)

        def after_write(_: str, __: Resource) -> None:
            nonlocal written
            written += 1
            self.world.writes += 1
            if self.mean and written == last:
                self._dies(dead, f"after write {written}")
                raise Killed

        def before_write() -> None:
            if dead.is_set():
                raise Killed

        settings = Settings(
            namespaces=(self.world.namespace,), http_port=0, metrics_port=0, workers=4, sweep_seconds=SWEEP_SECONDS
        )
        connection = replace(self.lab.operator, server=self.server)
        async with Client.connect(connection) as client:
            operator = Operator(settings, client.guarded(before_write), clock=self.world.clock, after_write=after_write)
            self.world.operator = operator
            self.world.operators += 1
            note(f"operator {self.world.operators} starts")
            work = asyncio.create_task(_until_killed(operator, stop))
            doom = asyncio.create_task(self._doom(dead))
            try:
                await asyncio.wait([work, doom], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self.killed += dead.is_set()
                doom.cancel()
                if dead.is_set():
                    work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work

    def _dies(self, dead: asyncio.Event, when: str) -> None:
        note(f"the operator is killed {when}")
        self.history.deaths.append(time.monotonic())
        self.world.operator = None  # nobody is at rest who is dead
        dead.set()

    async def _doom(self, dead: asyncio.Event) -> None:
        await asyncio.sleep(self.dice.uniform(1.0, 8.0))
        if self.mean and not dead.is_set():
            self._dies(dead, "by the clock")
        else:
            await asyncio.Event().wait()


async def _until_killed(operator: Operator, stop: asyncio.Event) -> None:
    with suppress_killed():
        await operator.run(stop)


@asynccontextmanager
async def kept_running(
    world: World, history: History, lab: Lab, server: str, dice: random.Random
) -> AsyncIterator[Keeper]:
    """An operator while inside."""
    stop = asyncio.Event()
    keeper = Keeper(world, history, lab, server, dice)
    task = asyncio.create_task(keeper.run(stop))
    try:
        yield keeper
    finally:
        stop.set()
        await task
