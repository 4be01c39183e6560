"""Replays a scenario with the operator killed after each of its writes: every run must end in the same state.

The operator runs in this process, so that it can be ended exactly there: what it has sent has arrived, and nothing more
is sent, not even by workers that were busy at that moment. A fresh one, with an empty cache, goes on.
"""

import asyncio
import difflib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from harness.clock import ShiftedClock
from harness.lab import Lab
from harness.namespaces import fresh_namespace
from harness.normal import normal_state
from harness.waiting import eventually
from shipway.kube.client import Client
from shipway.kube.errors import NotFoundError
from shipway.kube.resource import OWN, POD, SERVICE, Object, Resource
from shipway.main import Operator
from shipway.parts import Build, build
from shipway.settings import Settings

QUIET_SECONDS = 0.4
AT_ONCE = 4


class Killed(BaseException):
    """The operator dies here. No `except Exception` may stop it."""


@dataclass
class World:
    """What a scenario plays on: a namespace, a client, a clock that can be set ahead, the operator's state."""

    client: Client
    namespace: str
    clock: ShiftedClock
    writes: int = 0
    operators: int = 0
    operator: Operator | None = field(default=None, repr=False)
    begun_at: int | None = 0
    """The writes before the scenario's own: those of a beginning that another one tells. None while that lasts."""

    def begin_here(self) -> None:
        """Let the operator die from here on only: what led here is another scenario."""
        self.begun_at = self.writes

    @property
    def own_writes(self) -> int:
        """The operator's writes since the scenario's own beginning."""
        return 0 if self.begun_at is None else self.writes - self.begun_at

    async def create(self, resource: Resource, body: Object) -> Object:
        """Create an object in the namespace."""
        meta = {**body["metadata"], "namespace": self.namespace}
        typed = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        return await self.client.create(resource, {**typed, "metadata": meta})

    async def get(self, resource: Resource, name: str) -> Object:
        """An object of the namespace."""
        return await self.client.get(resource, self.namespace, name)

    async def find(self, resource: Resource, name: str) -> Object | None:
        """An object of the namespace, if it exists."""
        try:
            return await self.get(resource, name)
        except NotFoundError:
            return None

    async def list(self, resource: Resource, selector: str = "") -> list[Object]:
        """The objects of the namespace."""
        return (await self.client.list(resource, self.namespace, selector=selector)).items

    async def patch(self, resource: Resource, name: str, patch: Object) -> Object:
        """Merge into an object, as a user would."""
        return await self.client.merge_patch(resource, self.namespace, name, patch)

    async def set_status(self, resource: Resource, name: str, status: Object) -> Object:
        """Merge into a status, as the kubelet or another controller would."""
        return await self.client.merge_patch_status(resource, self.namespace, name, status)

    async def delete(self, resource: Resource, name: str) -> None:
        """Delete an object at once; gone already is fine."""
        try:
            await self.client.delete(resource, self.namespace, name, grace_seconds=0)
        except NotFoundError:
            return

    async def eventually(self, look: Callable[[], Awaitable[object]], *, what: str = "", within: float = 20.0) -> None:
        """Wait until `look` is true; exceptions mean not yet."""
        await eventually(look, within=within, what=what)

    async def condition(
        self, resource: Resource, name: str, type_: str, *, status: str = "True", reason: str = ""
    ) -> None:
        """Wait for a condition of an object."""

        async def look() -> object:
            obj = await self.get(resource, name)
            found = [c for c in obj.get("status", {}).get("conditions", []) if c["type"] == type_]
            if not any(c["status"] == status and reason in ("", c["reason"]) for c in found):
                raise AssertionError(found)
            return True

        await self.eventually(look, what=f"{resource.kind} {name} has {type_}={status} {reason}")

    async def settle(self) -> None:
        """Wait until the operator has had nothing to do and written nothing for a moment."""
        await eventually(self._was_quiet, within=30, every=0, what="the operator comes to rest")

    async def _was_quiet(self) -> bool:
        writes, operator = self.writes, self.operator
        for _ in range(8):
            await asyncio.sleep(QUIET_SECONDS / 8)
            if operator is None or not operator.ready.is_set() or not operator.queue.idle:
                return False
        return operator is self.operator and writes == self.writes


Play = Callable[[World], Awaitable[None]]
"""Creates objects and plays everyone but the operator: users, kubelet, KServe, the gateway."""


@dataclass(frozen=True)
class Scenario:
    """A story with an end.

    Args:
        play: The story. The operator may die anywhere in it, so it waits for states, never for moments.
        resources: Whose end states are compared, beside our own kinds.
        build: The controllers; production's when left out.
        ignore: Dotted paths below an object whose values may differ between runs, such as `status.progress.time`.
    """

    play: Play
    resources: Sequence[Resource] = (POD, SERVICE)
    build: Build = build
    ignore: Sequence[str] = ()


@dataclass(frozen=True)
class Replay:
    """What the replays have shown."""

    writes: int
    """The operator's writes in the unbroken run."""
    killed_after: tuple[int, ...]
    """After which writes the operator was killed; a later run may need fewer writes than the unbroken one."""
    state: str
    """The end state all runs have in common."""


async def replay(scenario: Scenario, lab: Lab) -> Replay:
    """Run unbroken, then once per write with the operator killed right after it.

    Raises:
        AssertionError: a run ended in another state; shows the difference.
    """
    expected, unbroken = await _run(scenario, lab, kill_after=None)
    writes, spared = unbroken.own_writes, bool(unbroken.begun_at)
    assert writes, "the operator wrote nothing: the scenario does not test anything"
    limit = asyncio.Semaphore(AT_ONCE)

    async def broken(number: int) -> int | None:
        async with limit:
            state, world = await _run(scenario, lab, kill_after=number, spared=spared)
        if state != expected:
            raise AssertionError(
                f"killed after write {number} of {writes}, it ended differently:\n{_diff(expected, state)}"
            )
        return number if world.operators == 2 else None

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(broken(number)) for number in range(1, writes + 1)]
    killed = tuple(number for run in runs if (number := run.result()) is not None)
    assert len(killed) >= 0.8 * len(runs), f"of {writes} writes only {killed} came again: it is not repeatable"
    return Replay(writes, killed, expected)


async def _run(scenario: Scenario, lab: Lab, *, kill_after: int | None, spared: bool = False) -> tuple[str, World]:
    async with Client.connect(lab.admin) as client, fresh_namespace(client) as namespace:
        world = World(client, namespace, ShiftedClock(), begun_at=None if spared else 0)
        async with running(world, lab, build=scenario.build, kill_after=kill_after):
            try:
                await scenario.play(world)
                await world.settle()
            except Exception as error:
                raise AssertionError(f"the scenario failed in the run killed after write {kill_after}") from error
            resources = [*OWN.values(), *scenario.resources]
            state = await normal_state(client, namespace, resources, ignore=scenario.ignore)
        return state, world


@asynccontextmanager
async def running(
    world: World, lab: Lab, *, build: Build = build, kill_after: int | None = None
) -> AsyncIterator[asyncio.Event]:
    """Operators one after another on the world's namespace, the first of them killed after its n-th write.

    Yields:
        An event; set it to stop the operator for good.
    """
    stop = asyncio.Event()
    keeper = asyncio.create_task(_keep_running(world, lab, build, kill_after, stop))
    try:
        yield stop
    finally:
        stop.set()
        await keeper


async def _keep_running(world: World, lab: Lab, build: Build, kill_after: int | None, stop: asyncio.Event) -> None:
    settings = Settings(namespaces=(world.namespace,), http_port=0, metrics_port=0, workers=4)
    while not stop.is_set():
        dead = asyncio.Event()

        def after_write(_: str, __: Resource, dead: asyncio.Event = dead) -> None:
            world.writes += 1
            if world.own_writes == kill_after:
                dead.set()
                raise Killed

        def before_write(dead: asyncio.Event = dead) -> None:
            if dead.is_set():
                raise Killed

        async with Client.connect(lab.operator) as client:
            operator = Operator(
                settings, client.guarded(before_write), build=build, clock=world.clock, after_write=after_write
            )
            world.operator = operator
            world.operators += 1
            with suppress_killed():
                await operator.run(stop)


@contextmanager
def suppress_killed() -> Iterator[None]:
    """Swallow the operator's death, however many task groups it came through."""
    try:
        yield
    except* Killed:
        pass


def _diff(expected: str, state: str) -> str:
    lines = difflib.unified_diff(expected.splitlines(), state.splitlines(), "unbroken", "killed", lineterm="", n=6)
    return "\n".join(lines)
