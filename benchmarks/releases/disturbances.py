"""What must lose no request: releases, rollbacks, lost operators and drained predictors, under traffic all the time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.releases.runs import SETTLE_SECONDS, Runner
from benchmarks.releases.scenarios import THIRD, Plan
from benchmarks.releases.stage import until
from benchmarks.releases.traffic import traffic
from benchmarks.releases.unreliable import Fault
from benchmarks.releases.versions import Version
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
    """

    requests: int
    lost: int
    not_asked: int
    seconds: dict[str, float]

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
        took: dict[str, float] = {}
        contestant = self.runner.contestant
        async with traffic(self.runner.stage.name, host=contestant.host, rate=RATE) as seen:
            await seen.until(lambda answer: answer.status == 200, within=30, what="stable answers")
            await _timed(took, "outage", self._outage)
            while True:
                await _timed(took, "promotion", self._promotion)
                await _timed(took, "rollback", self._rollback)
                await _timed(took, "drains", self._drains)
                if len(seen.answers) >= requests:
                    break
        answers = seen.answers
        not_asked = sum(answer.status < 0 for answer in answers)
        return Disturbed(len(answers) - not_asked, sum(answer.lost for answer in answers), not_asked, took)

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
            return len(pods) == number == sum(map(_is_ready, pods))

        await until(ready, within=120, what=f"{number} operators")

    async def _drains(self) -> None:
        """Each predictor is asked to go, one after the other."""
        client = self.runner.stage.client
        for name in [pod["metadata"]["name"] for pod in await self._predictors()]:
            await client.delete(POD, self.runner.contestant.namespace, name)

            async def replaced(gone: str = name) -> bool:
                pods = await self._predictors()
                return len(pods) == REPLICAS and all(_is_ready(p) and p["metadata"]["name"] != gone for p in pods)

            await until(replaced, within=SETTLE_SECONDS, what=f"{name} is replaced")

    async def _predictors(self) -> list[dict[str, Any]]:
        """Those of the last version may be on their way out still."""
        where = self.runner.contestant.namespace
        pods = (await self.runner.stage.client.list(POD, where, selector=PREDICTOR)).items
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


async def _timed(took: dict[str, float], name: str, work: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await work()
    took[name] = round(took.get(name, 0.0) + loop.time() - began, 1)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
