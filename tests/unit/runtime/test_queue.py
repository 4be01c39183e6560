"""The work queue: once each, never twice at a time, nothing lost."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.clock import ShiftedClock
from shipway.kube.resource import Key
from shipway.runtime.queue import MAX_SECONDS, Priority, WorkQueue, backoff

A, B, C = (Key("Model", "ns", name) for name in "abc")


class StillClock:
    """Stands until moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def queue() -> tuple[WorkQueue, StillClock]:
    clock = StillClock()
    return WorkQueue(clock, jitter=lambda: 0.5), clock


def test_a_key_added_twice_is_worked_on_once() -> None:
    work, _ = queue()
    work.add(A)
    work.add(A)

    assert work.pop() == A
    work.done(A)
    assert work.pop() is None


def test_a_key_added_while_worked_on_is_worked_on_again_but_not_at_the_same_time() -> None:
    work, _ = queue()
    work.add(A)
    work.pop()
    work.add(A)

    assert work.pop() is None
    work.done(A)
    assert work.pop() == A


def test_the_urgent_go_first_and_a_key_can_become_urgent() -> None:
    work, _ = queue()
    work.add(A, Priority.LOW)
    work.add(B)
    work.add(C)
    work.add(C, Priority.URGENT)

    assert [work.pop(), work.pop(), work.pop()] == [C, B, A]


def test_a_low_wish_does_not_cut_a_backoff_short_but_news_does() -> None:
    work, _ = queue()
    work.add(A)
    work.pop()
    work.retry(A)
    work.done(A)

    work.add(A, Priority.LOW)
    assert work.pop() is None
    work.add(A)
    assert work.pop() == A


def test_a_delayed_key_comes_when_it_is_due() -> None:
    work, clock = queue()
    work.add_after(A, 10)

    clock.time = 9.9
    assert work.pop() is None
    clock.time = 10
    assert work.pop() == A


def test_a_pass_takes_the_place_of_the_look_that_was_planned() -> None:
    work, clock = queue()
    work.add_after(A, 10)
    work.add(A)
    work.pop()
    work.done(A)

    clock.time = 100
    assert work.pop() is None


def test_the_latest_plan_counts() -> None:
    work, clock = queue()
    work.add_after(A, 5)
    work.add_after(A, 50)

    clock.time = 6
    assert work.pop() is None
    clock.time = 50
    assert work.pop() == A


def test_failures_wait_longer_and_longer_until_a_success() -> None:
    work, _ = queue()
    delays = [work.retry(A) for _ in range(4)]
    work.forget(A)

    assert delays == [pytest.approx(d) for d in (0.005, 0.01, 0.02, 0.04)]
    assert work.retry(A) == pytest.approx(0.005)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded_and_spread_by_a_quarter(failures: int, jitter: float) -> None:
    middle = backoff(failures, 0.5)

    assert 0.75 * middle <= backoff(failures, jitter) <= 1.25 * middle
    assert middle <= MAX_SECONDS


def test_the_oldest_key_tells_its_age() -> None:
    work, clock = queue()
    work.add(A)
    clock.time = 3
    work.pop()
    clock.time = 7

    assert work.oldest_seconds() == 4
    work.done(A)
    assert work.oldest_seconds() == 0


async def test_a_waiting_worker_is_woken_by_an_add_and_by_the_time() -> None:
    clock = ShiftedClock()
    work = WorkQueue(clock)

    waiting = asyncio.create_task(work.get())
    await asyncio.sleep(0)
    work.add(A)
    async with asyncio.timeout(1):
        assert await waiting == A
    work.add_after(B, 3600)
    waiting = asyncio.create_task(work.get())
    await asyncio.sleep(0)
    clock.advance(3600)
    async with asyncio.timeout(1):
        assert await waiting == B


async def test_cancelling_a_waiting_worker_loses_no_key() -> None:
    work = WorkQueue(ShiftedClock())
    waiting = asyncio.create_task(work.get())
    await asyncio.sleep(0)
    work.add(A)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert work.pop() == A


KEYS = st.sampled_from([A, B, C])


class QueueMachine(RuleBasedStateMachine):
    """Against a model: every wish is followed by a pass that began after it."""

    def __init__(self) -> None:
        super().__init__()
        self.work, self.clock = queue()
        self.wished: set[Key] = set()
        self.due: dict[Key, float] = {}
        self.active: set[Key] = set()

    @rule(key=KEYS, priority=st.sampled_from([Priority.URGENT, Priority.NORMAL]))
    def add(self, key: Key, priority: Priority) -> None:
        self.work.add(key, priority)
        self.wished.add(key)

    @rule(key=KEYS)
    def add_low(self, key: Key) -> None:
        self.work.add(key, Priority.LOW)
        if key not in self.active and not self.work.failures(key):
            self.wished.add(key)

    @rule(key=KEYS, seconds=st.integers(1, 20))
    def later(self, key: Key, seconds: int) -> None:
        self.work.add_after(key, seconds)
        self.due[key] = self.clock.time + seconds

    @rule(seconds=st.integers(1, 15))
    def pass_time(self, seconds: int) -> None:
        self.clock.time += seconds

    @rule()
    def take(self) -> None:
        due = {key for key, time in self.due.items() if time <= self.clock.time}
        self.wished |= due
        key = self.work.pop()
        for late in due:
            del self.due[late]
        if key is None:
            assert not self.wished - self.active
            return
        assert key in self.wished
        assert key not in self.active
        self.wished.discard(key)
        self.due.pop(key, None)
        self.active.add(key)

    @precondition(lambda self: self.active)
    @rule(data=st.data(), succeeds=st.booleans())
    def finish(self, data: st.DataObject, succeeds: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.active)))
        if succeeds:
            self.work.forget(key)
        else:
            self.due[key] = self.clock.time + self.work.retry(key)
        self.work.done(key)
        self.active.discard(key)

    @invariant()
    def depth_counts_what_is_wished_for(self) -> None:
        assert self.work.depth <= len(self.wished | set(self.due))
        assert self.work.idle == (not self.work.depth and not self.active)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
