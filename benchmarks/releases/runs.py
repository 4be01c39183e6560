"""One release after the other: each run a fresh version under traffic, measured, and stable alone again afterwards."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.releases.answers import Run, measured
from benchmarks.releases.scenarios import Ending, Scenario
from benchmarks.releases.stage import Contestant, Stage
from benchmarks.releases.traffic import Traffic, traffic
from benchmarks.releases.unreliable import Fault
from benchmarks.releases.versions import Version, publish

START_SECONDS = 180
LOOK_SECONDS = 0.25
AFTER_SECONDS = 2.0
"""Traffic goes on for so long after the end: a late answer of the version must be seen."""
SETTLE_SECONDS = 240


@dataclass
class Runner:
    """Runs scenarios of one contestant.

    Attributes:
        stage: Where.
        contestant: Who.
        stable: What answers between two runs.
    """

    stage: Stage
    contestant: Contestant
    stable: Version = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def prepare(self) -> None:
        """Serve the first version, which has the background errors alone."""
        await self._settle(self.fresh(Fault()))

    async def run(self, scenario: Scenario) -> Run:
        """One release in figures."""
        version = self.fresh(scenario.fault)
        async with traffic(self.stage.name, host=self.contestant.host, rate=scenario.rate) as seen:
            await seen.until(lambda answer: answer.status == 200, within=30, what="stable answers")
            await asyncio.sleep(scenario.served_seconds)
            began, start = time.time(), len(seen.answers)
            await self.contestant.begin(version, scenario.plan)
            ended = await self._ended(version, scenario, seen)
            await asyncio.sleep(AFTER_SECONDS)
        run = measured(
            self.contestant.name,
            scenario.name,
            version.name,
            seen.answers[start:],
            began=began,
            ended=ended,
            route_writes=self.stage.route_writes(self.contestant.namespace, since=began),
        )
        await self._settle(version if run.ended is Ending.PROMOTED else self.stable)
        return run

    def fresh(self, fault: Fault) -> Version:
        """A new version in the object store."""
        return publish(f"v{next(self._numbers)}", fault, owner=self.contestant.namespace)

    async def _settle(self, version: Version) -> None:
        await self.contestant.settle(version, within=SETTLE_SECONDS)
        self.stable = version

    async def _ended(self, version: Version, scenario: Scenario, seen: Traffic) -> tuple[Ending, float]:
        until = await self._begun(version, scenario, seen) + scenario.watch_seconds
        while time.time() < until:
            if ending := await self.contestant.ended(version):
                return ending, time.time()
            await asyncio.sleep(LOOK_SECONDS)
        return Ending.NEITHER, time.time()

    async def _begun(self, version: Version, scenario: Scenario, seen: Traffic) -> float:
        """When the version began to answer, or when it must have: of one that is mirrored no client hears."""
        if scenario.plan.mirror_seconds:
            return time.time() + START_SECONDS
        its = await seen.until(
            lambda answer: answer.version == version.name, within=START_SECONDS, what=f"{version.name} answers"
        )
        return its.ended
