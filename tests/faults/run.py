"""One seed: a story under faults, then calm; it must end well and soon, and nothing forbidden may have happened."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from faults.clock import JumpingClock
from faults.diary import Diary, note
from faults.history import History, recorded
from faults.invariants import violations
from faults.kubelet import kubelet
from faults.operators import Keeper, kept_running
from faults.pace import Lap, Pace
from faults.proxy import AFTER, BEFORE, SLOW, STREAM, SeededProxy, seeded_proxy
from faults.stories import STORIES, Stage, Story
from faults.strangers import Strangers
from harness.lab import NAMESPACE, Lab
from harness.namespaces import fresh_namespace
from harness.replay import World
from harness.waiting import eventually
from shipway.controllers.owned import SELECTOR
from shipway.kube.client import Client
from shipway.kube.errors import ApiError, NotFoundError
from shipway.kube.resource import ENDPOINT_SLICE, HTTP_ROUTE, INFERENCE_SERVICE, POD, SERVICE

CONVERGENCE_SECONDS = 30.0
PATIENCE_SECONDS = 75.0
"""How long a run that does not converge in time is watched, to say by how much it missed."""
QUIET_SECONDS = 1.0
DRAIN_SECONDS = 30.0
"""Longer than a version without traffic is kept for the sake of open connections."""
LIMIT_SECONDS = 300.0
OWNED = (POD, SERVICE, ENDPOINT_SLICE, INFERENCE_SERVICE, HTTP_ROUTE)


@dataclass(frozen=True)
class Weather:
    """What a seed has drawn.

    Attributes:
        story: Which story is told.
        rates: Probability of each fault of the proxy.
        seconds: How long faults last.
        kills: Whether operators are killed.
        ends_namespace: Whether the namespace is deleted under way.
    """

    story: str
    rates: dict[str, float]
    seconds: float
    kills: bool
    ends_namespace: bool


@dataclass
class Outcome:
    """What a seed has shown."""

    seed: int
    weather: Weather
    violations: list[str] = field(default_factory=list)
    convergence_seconds: float = 0.0
    convergence_on_the_wall: float = 0.0
    leaked: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    """What strangers, users and clocks did, by name."""
    operators: int = 0
    killed: int = 0
    ended: int = 0
    changes: int = 0
    diary: str = ""
    """Everything that happened, when something forbidden did."""


def forecast(seed: int) -> Weather:
    """The weather of a seed."""
    dice = random.Random(f"{seed}-weather")
    story = list(STORIES)[seed % len(STORIES)]
    chosen = [kind for kind in (*BEFORE, *AFTER, *STREAM, SLOW) if dice.random() < 0.5]
    rates = {kind: dice.choice((0.01, 0.03, 0.08)) for kind in chosen}
    if "invalid" in rates:
        rates["invalid"] = 0.01  # what is invalid may end a job for good
    return Weather(
        story=story,
        rates=rates,
        seconds=dice.uniform(4.0, 9.0),
        kills=dice.random() < 0.6,
        ends_namespace=dice.random() < 0.12,
    )


async def run_seed(seed: int, lab: Lab, pace: Pace) -> Outcome:
    """Tell the story of a seed."""
    outcome, history, diary = Outcome(seed, forecast(seed)), History(), Diary.begin()
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await _tell(outcome, lab, pace, history)
    except TimeoutError:
        outcome.violations.append(f"the run did not end within {LIMIT_SECONDS:g} s")
    except Exception as error:  # one broken run must not take the others with it
        outcome.violations.append(f"the run broke: {error!r}")
    outcome.violations += violations(history)
    if outcome.violations:
        outcome.diary = diary.told(history)
    return outcome


async def _tell(outcome: Outcome, lab: Lab, pace: Pace, history: History) -> None:
    async with _Scene.set(outcome.seed, outcome.weather, lab, pace, history) as scene:
        await scene.suffer(outcome.deeds)
        if outcome.weather.ends_namespace:
            await scene.end_namespace(outcome)
        else:
            await scene.come_to_rest(outcome)
        outcome.faults, outcome.changes = scene.proxy.done, len(scene.history.changes)
        outcome.operators, outcome.killed, outcome.ended = (
            scene.world.operators,
            scene.keeper.killed,
            scene.keeper.ended,
        )


@dataclass
class _Scene:
    """Everything that plays in one run."""

    weather: Weather
    client: Client
    world: World
    history: History
    proxy: SeededProxy
    strangers: Strangers
    story: Story
    keeper: Keeper
    pace: Pace
    clock: JumpingClock
    dice: random.Random

    @classmethod
    @asynccontextmanager
    async def set(cls, seed: int, weather: Weather, lab: Lab, pace: Pace, history: History) -> AsyncIterator["_Scene"]:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            client = await enter(Client.connect(lab.admin))
            clock = JumpingClock()
            world = World(client, await enter(_namespace(client)), clock)
            await enter(recorded(history, client, world.namespace))
            proxy = await enter(seeded_proxy(lab, rates=weather.rates, dice=random.Random(f"{seed}-proxy")))
            history.misled = proxy.misled
            lets = await enter(kubelet(world, random.Random(f"{seed}-kubelet")))
            strangers = Strangers(world, history, lets, random.Random(f"{seed}-strangers"))
            stage = Stage(world, lets, strangers, proxy, random.Random(f"{seed}-story"))
            story = STORIES[weather.story](stage)
            await enter(story.playing())
            await story.begin()
            keeper = await enter(kept_running(world, history, lab, proxy.url, random.Random(f"{seed}-kills")))
            keeper.mean = weather.kills
            dice = random.Random(f"{seed}-deeds")
            yield cls(weather, client, world, history, proxy, strangers, story, keeper, pace, clock, dice)

    async def suffer(self, done: Counter[str]) -> None:
        """Deed after deed until the time is over."""
        over = time.monotonic() + self.weather.seconds
        deeds = [*self.story.deeds(), *self.story.deeds(), self._jump, self._cut]
        while time.monotonic() < over:
            await asyncio.sleep(self.dice.uniform(0.1, 0.9))
            deed = self.dice.choice(deeds)
            name = deed.__name__.strip("_")
            done[name] += 1
            note(f"deed {name}")
            with contextlib.suppress(ApiError):
                await deed()

    async def come_to_rest(self, outcome: Outcome) -> None:
        """Calm; the story must end, the operator be quiet, and nothing be left once the owners are gone."""
        await self._calm()
        lap = self.pace.lap()
        try:
            await self.story.last_wish()
            await self._ends(lap)
        except AssertionError as error:
            outcome.violations.append(str(error))
        self._note(outcome, lap)
        if outcome.convergence_seconds > CONVERGENCE_SECONDS:
            outcome.violations.append(f"converged after {outcome.convergence_seconds:.1f} s")
        await self._check_quiet(outcome)
        await self.story.forget()
        left = await self._left_after(self._owned)
        outcome.leaked = len(left)
        if left:
            outcome.violations.append(f"left after their owner: {', '.join(left)}")

    async def end_namespace(self, outcome: Outcome) -> None:
        """The namespace is deleted while everything fails; it must go, and the operator go on."""
        await self.client.delete(NAMESPACE, None, self.world.namespace)
        await asyncio.sleep(1.0)
        await self._calm()
        lap = self.pace.lap()
        outcome.leaked = len(await self._left_after(self._namespaces))
        self._note(outcome, lap)
        if outcome.leaked:
            outcome.violations.append("the namespace does not end")

    async def _ends(self, lap: Lap) -> None:
        while True:
            within = PATIENCE_SECONDS - lap.seconds
            try:
                await eventually(self.story.has_ended, within=within, every=0.1, what=self.weather.story)
                return
            except AssertionError:
                if lap.seconds >= PATIENCE_SECONDS:
                    raise

    def _note(self, outcome: Outcome, lap: Lap) -> None:
        outcome.convergence_seconds, outcome.convergence_on_the_wall = lap.seconds, lap.on_the_wall
        note(f"after {lap.on_the_wall:.1f} s, {lap.seconds:.1f} s of which it was let run")

    async def _calm(self) -> None:
        note("calm")
        self.proxy.mean = self.keeper.mean = False
        self.clock.skew = 0.0
        self.proxy.heal(expired=False)
        with contextlib.suppress(ApiError):
            await self.strangers.calm()

    async def _check_quiet(self, outcome: Outcome) -> None:
        self.world.clock.advance(DRAIN_SECONDS)
        await self.world.settle()
        before = self.world.writes
        await asyncio.sleep(QUIET_SECONDS)
        if self.world.writes != before:
            outcome.violations.append(f"{self.world.writes - before} writes at rest")

    async def _owned(self) -> Sequence[str]:
        return [
            f"{resource.kind} {obj['metadata']['name']}"
            for resource in OWNED
            for obj in await self.world.list(resource, SELECTOR)
            if obj["metadata"].get("ownerReferences")
        ]

    async def _namespaces(self) -> Sequence[str]:
        try:
            await self.client.get(NAMESPACE, None, self.world.namespace)
        except NotFoundError:
            return []
        return [self.world.namespace]

    async def _left_after(self, look: Callable[[], Awaitable[Sequence[str]]]) -> Sequence[str]:
        lap = self.pace.lap()
        while True:
            left = await look()
            if not left or lap.seconds > CONVERGENCE_SECONDS:
                return left
            await asyncio.sleep(0.2)

    async def _jump(self) -> None:
        if self.dice.random() < 0.5:
            self.world.clock.advance(self.dice.uniform(1, 20))
        else:
            self.clock.skew = self.dice.uniform(-20, 20)

    async def _cut(self) -> None:
        self.proxy.cut_watches()
        await asyncio.sleep(self.dice.uniform(0.1, 1.0))
        self.proxy.heal(expired=self.dice.random() < 0.5)


@asynccontextmanager
async def _namespace(client: Client) -> AsyncIterator[str]:
    with contextlib.suppress(NotFoundError):  # the story may have deleted it
        async with fresh_namespace(client) as name:
            yield name
