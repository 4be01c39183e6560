"""What must lose no request: releases, rollbacks, lost operators and drained predictors, under traffic all the time."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.releases.answers import Answer
from benchmarks.releases.asking import NOT_ASKED
from benchmarks.releases.runs import SETTLE_SECONDS, Runner
from benchmarks.releases.scenarios import THIRD, Plan
from benchmarks.releases.stage import until
from benchmarks.releases.traffic import traffic
from benchmarks.releases.unreliable import Fault
from benchmarks.releases.versions import Version
from shipway.controllers.servingdeployment.checks import is_ready
from shipway.kube.resource import POD, Resource
from shipway_demo.cluster import OPERATOR_SELECTOR, PREDICTOR, SYSTEM

DEPLOYMENT = Resource("apps", "v1", "deployments", "Deployment")
OPERATOR = "shipway-operator"
REPLICAS = 2
"""A drained predictor needs another one beside it."""
QUICK = Plan(((10, 10), (50, 10)), bake_seconds=10)
RATE = 100.0


@dataclass(frozen=True)
class Disturbed:
    """What the client got.

    Attributes:
        requests: Asked.
        lost: Of them, see `Answer.lost`.
        not_asked: How often the client could not keep its rate.
        seconds: How long each disturbance took.
        lost_in: What was lost in it, by status; 0 is no answer.
    """

    requests: int
    lost: int
    not_asked: int
    seconds: dict[str, float]
    lost_in: dict[str, dict[int, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the results."""
        return asdict(self)


@dataclass
class Disturber:
    """Disturbs one ServingDeployment of two replicas."""

    runner: Runner
    outage_seconds: float

    async def disturb(self, *, requests: int) -> Disturbed:
        """Everything once, and then releases and drains until so many requests were asked."""
        log = Log()
        contestant = self.runner.contestant
        async with traffic(self.runner.stage.name, host=contestant.host, rate=RATE) as seen:
            await seen.until(lambda answer: answer.status == 200, within=30, what="stable answers")
            await log.timed("outage", self._outage)
            while True:
                await log.timed("promotion", self._promotion)
                await log.timed("rollback", self._rollback)
                await log.timed("drains", self._drains)
                if len(seen.answers) >= requests:
                    break
        lost = [answer for answer in seen.answers if answer.lost]
        not_asked = sum(answer.status == NOT_ASKED for answer in seen.answers)
        return Disturbed(len(seen.answers) - not_asked, len(lost), not_asked, log.seconds(), log.lost_in(lost))

    async def _promotion(self) -> None:
        """A good version, and the operator killed on the way."""
        version = self.runner.fresh(Fault())
        await self.runner.contestant.begin(version, QUICK)
        await asyncio.sleep(5)
        await self.runner.stage.cluster.kill_operator()
        await self._is_over(version)
        await self.runner.contestant.settle(version, within=SETTLE_SECONDS)
        self.runner.stable = version

    async def _rollback(self) -> None:
        """A bad version."""
        version = self.runner.fresh(THIRD)
        await self.runner.contestant.begin(version, QUICK)
        await self._is_over(version)
        await self.runner.contestant.settle(self.runner.stable, within=SETTLE_SECONDS)

    async def _is_over(self, version: Version) -> None:
        async def over() -> bool:
            return await self.runner.contestant.ended(version) is not None

        await until(over, within=SETTLE_SECONDS, what=f"the release of {version.name} is over")

    async def _outage(self) -> None:
        """No operator for a while."""
        await self._operators(0)
        await asyncio.sleep(self.outage_seconds)
        await self._operators(1)

    async def _operators(self, number: int) -> None:
        client = self.runner.stage.client
        await client.merge_patch(DEPLOYMENT, SYSTEM, OPERATOR, {"spec": {"replicas": number}})

        async def ready() -> bool:
            pods = (await client.list(POD, SYSTEM, selector=OPERATOR_SELECTOR)).items
            return len(pods) == number == sum(map(is_ready, pods))

        await until(ready, within=120, what=f"{number} operators")

    async def _drains(self) -> None:
        """Each predictor is asked to go, one after the other."""
        client = self.runner.stage.client
        for name in [pod["metadata"]["name"] for pod in await self._predictors()]:
            await client.delete(POD, self.runner.contestant.namespace, name)

            async def replaced(gone: str = name) -> bool:
                pods = await self._predictors()
                return len(pods) == REPLICAS and all(is_ready(p) and p["metadata"]["name"] != gone for p in pods)

            await until(replaced, within=SETTLE_SECONDS, what=f"{name} is replaced")

    async def _predictors(self) -> list[dict[str, Any]]:
        """Those of the last version may be on their way out still."""
        where = self.runner.contestant.namespace
        pods = (await self.runner.stage.client.list(POD, where, selector=PREDICTOR)).items
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


@dataclass
class Log:
    """When each disturbance began and ended, Unix seconds."""

    entries: list[tuple[str, float, float]] = field(default_factory=list)

    async def timed(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do it and write it down."""
        began = time.time()
        await work()
        self.entries.append((name, began, time.time()))

    def seconds(self) -> dict[str, float]:
        """How long each took, all times together."""
        took: defaultdict[str, float] = defaultdict(float)
        for name, began, ended in self.entries:
            took[name] += ended - began
        return {name: round(seconds, 1) for name, seconds in took.items()}

    def lost_in(self, lost: Iterable[Answer]) -> dict[str, dict[int, int]]:
        """How many were lost in each, by status."""
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for answer in lost:
            found[self._at(answer.sent)][answer.status] += 1
        return {name: dict(statuses) for name, statuses in found.items()}

    def _at(self, moment: float) -> str:
        return next((name for name, began, ended in self.entries if began <= moment <= ended), "between")
