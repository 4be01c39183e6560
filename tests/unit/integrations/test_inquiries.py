"""The board asks in the background, step by step, and lets nobody wait."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shipway.analysis.answers import NoAnswer
from shipway.analysis.gate_types.promql import Limit, PromQL
from shipway.integrations.inquiries import Inquiry, InquiryBoard
from shipway.kube.resource import Key

KEY = Key("ServingDeployment", "team", "ranker")
SERIES = PromQL(Limit(1.0, "Above", 2, 3))


class Clock:
    """Sleeps as long as a test wants; what was asked to sleep is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._due = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._due.acquire()

    async def passes(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self._due.release()
            for _ in range(5):
                await asyncio.sleep(0)


@asynccontextmanager
async def board() -> AsyncIterator[tuple[InquiryBoard, Clock, list[Key]]]:
    woken: list[Key] = []
    clock = Clock()
    made = InquiryBoard(on_answer=woken.append, sleep=clock.sleep)
    yield made, clock, woken
    await made.close()


def inquiry(ask: Callable[[], float | NoAnswer], gate: str = "errors") -> Inquiry[float]:
    async def later() -> float | NoAnswer:
        return ask()

    return Inquiry(gate, 10, later, SERIES)


def said(made: InquiryBoard, gate: str = "errors") -> tuple[str, int]:
    judgement = made.judgements(KEY)[gate]
    return judgement.verdict, judgement.candidate.trials


async def test_asks_after_an_interval_and_wakes_the_release():
    async with board() as (made, clock, woken):
        made.follow(KEY, "step 1", [inquiry(lambda: 0.5)])
        await clock.passes(0)
        assert said(made) == ("Inconclusive", 0)
        await clock.passes(3)
        assert said(made) == ("NoEvidenceOfHarm", 3)
        assert woken == [KEY] * 3
        assert set(clock.slept) == {10}


async def test_the_same_step_goes_on_and_another_begins_anew():
    async with board() as (made, clock, _):
        made.follow(KEY, "step 1", [inquiry(lambda: 0.5)])
        await clock.passes(2)
        made.follow(KEY, "step 1", [inquiry(lambda: 0.5)])
        await clock.passes()
        assert said(made)[1] == 3
        made.follow(KEY, "step 2", [inquiry(lambda: 0.5)])
        assert said(made) == ("Inconclusive", 0)


async def test_gates_do_not_wait_for_each_other():
    async def never() -> float:
        await asyncio.Event().wait()
        return 0.0

    async with board() as (made, clock, _):
        made.follow(KEY, "step 1", [Inquiry("stuck", 10, never, SERIES), inquiry(lambda: 0.5)])
        await clock.passes(4)
        assert said(made, "stuck") == ("Inconclusive", 0)
        assert said(made)[0] == "NoEvidenceOfHarm"


async def test_a_fault_of_ours_is_shown_and_asked_again():
    def fault() -> float:
        raise KeyError("query")

    async with board() as (made, clock, _):
        made.follow(KEY, "step 1", [inquiry(fault)])
        await clock.passes(3)
        judgement = made.judgements(KEY)["errors"]
        assert (judgement.verdict, judgement.message) == ("Error", "failed: KeyError")


async def test_nobody_asks_for_a_release_that_is_forgotten():
    asked: list[float] = []
    async with board() as (made, clock, woken):
        made.follow(KEY, "step 1", [inquiry(lambda: asked.append(1) or 0.5)])
        made.forget(KEY)
        await clock.passes(3)
        assert made.judgements(KEY) == {}
        assert asked == woken == []
