"""Asks what gates want to know, in the background: whoever decides never waits for an answer.

It keeps nothing that must not be lost. An operator that is started anew begins the series of a step anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shipway.analysis.answers import NoAnswer, Series
from shipway.analysis.judgement import Judgement
from shipway.kube.resource import Key

A = TypeVar("A")


@dataclass(frozen=True)
class Inquiry(Generic[A]):
    """One gate's question in one step.

    Attributes:
        gate: Name of the gate.
        interval: Seconds before each question.
        ask: Asks it once; raises nothing that is expected.
        series: The answers so far.
    """

    gate: str
    interval: float
    ask: Callable[[], Awaitable[A | NoAnswer]]
    series: Series[A]


@dataclass
class _Asker:
    """What is asked for one release in one step."""

    token: str
    series: dict[str, Series[Any]]
    tasks: Sequence[asyncio.Task[None]] = field(default_factory=tuple)


class InquiryBoard:
    """Asks for the releases it follows until it is told to forget them.

    Args:
        on_answer: Told the release's key when there is an answer, or none again.
        sleep: Returns after some seconds.
    """

    def __init__(
        self, *, on_answer: Callable[[Key], None], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._on_answer = on_answer
        self._sleep = sleep
        self._askers: dict[Key, _Asker] = {}

    def follow(self, key: Key, token: str, inquiries: Sequence[Inquiry[Any]]) -> None:
        """Ask these from now on; calling it again with the same token changes nothing, with another it begins anew."""
        if key in self._askers and self._askers[key].token == token:
            return
        self.forget(key)
        asker = _Asker(token, {inquiry.gate: inquiry.series for inquiry in inquiries})
        asker.tasks = tuple(
            asyncio.create_task(self._run(key, asker, inquiry), name=f"gate {inquiry.gate} of {key}")
            for inquiry in inquiries
        )
        self._askers[key] = asker

    def judgements(self, key: Key) -> Mapping[str, Judgement]:
        """What the gates say now; nothing for a release that is not followed."""
        asker = self._askers.get(key)
        return {gate: series.judge() for gate, series in asker.series.items()} if asker else {}

    def forget(self, key: Key) -> None:
        """Ask no more for a release."""
        if (asker := self._askers.pop(key, None)) is not None:
            for task in asker.tasks:
                task.cancel()

    async def close(self) -> None:
        """Ask no more at all."""
        tasks = [task for asker in self._askers.values() for task in asker.tasks]
        for key in tuple(self._askers):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: Key, asker: _Asker, inquiry: Inquiry[Any]) -> None:
        while True:
            await self._sleep(inquiry.interval)
            asker.series[inquiry.gate] = asker.series[inquiry.gate].take(await _answer(inquiry))
            self._on_answer(key)


async def _answer(inquiry: Inquiry[Any]) -> Any:
    try:
        return await inquiry.ask()
    except Exception as error:  # a fault of ours must be seen in the status, and not end the questions
        return NoAnswer(f"failed: {type(error).__name__}")
