"""Carries notices in the background, at least once each: whoever decides never waits for a receiver.

It keeps nothing that must not be lost. What arrived is recorded in the Incident's status after it has arrived; an
operator that ends in between sends it again, and the receiver knows it by its uid and stage.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shipway.integrations.notice import NotDeliveredError, Notice, Outcome, Receiver, Stage
from shipway.kube.resource import Key
from shipway.runtime.clock import Clock

TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 5.0
MAX_PAUSE_SECONDS = 600.0
AT_A_TIME = 4


@dataclass
class _Errand:
    """What is being done for one Incident at one receiver."""

    sent: tuple[str, Stage] | None = None
    due: float = 0.0
    failures: int = 0
    outcome: Outcome | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Courier:
    """Tells receivers.

    Args:
        receivers: By the name the status has them under.
        on_result: Told the Incident's key when there is an outcome.
        clock: For times and pauses.
    """

    def __init__(self, receivers: Mapping[str, Receiver], *, on_result: Callable[[Key], None], clock: Clock) -> None:
        self.receivers = receivers
        self._on_result = on_result
        self._clock = clock
        self._errands: dict[Key, dict[str, _Errand]] = {}
        self._slots = asyncio.Semaphore(AT_A_TIME)

    def deliver(self, key: Key, receiver: str, notice: Notice) -> None:
        """See to it that the receiver knows this; asking again changes nothing."""
        errand = self._errands.setdefault(key, {}).setdefault(receiver, _Errand())
        this = (notice.uid, notice.stage)
        if errand.tasks or (errand.sent == this and self._clock.monotonic() < errand.due):
            return
        if errand.sent != this:
            errand.sent, errand.failures = this, 0
        task = asyncio.create_task(self._carry(key, receiver, errand, notice), name=f"notice {key} to {receiver}")
        errand.tasks.add(task)
        task.add_done_callback(errand.tasks.discard)

    def outcomes(self, key: Key) -> Mapping[str, Outcome]:
        """What came of the last tries, by receiver."""
        return {name: errand.outcome for name, errand in self._errands.get(key, {}).items() if errand.outcome}

    def due_in(self, key: Key) -> float | None:
        """Seconds until something has to be sent again; None when nothing has."""
        waits = [errand.due for errand in self._errands.get(key, {}).values() if not errand.tasks]
        soonest = min(waits, default=float("inf"))
        return None if soonest == float("inf") else max(0.0, soonest - self._clock.monotonic())

    def forget(self, key: Key) -> None:
        """The Incident is gone."""
        for errand in self._errands.pop(key, {}).values():
            for task in errand.tasks:
                task.cancel()

    async def close(self) -> None:
        """Stop carrying."""
        tasks = [task for errands in self._errands.values() for errand in errands.values() for task in errand.tasks]
        for key in tuple(self._errands):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, key: Key, name: str, errand: _Errand, notice: Notice) -> None:
        receiver = self.receivers[name]
        async with self._slots:
            problem = await _problem(receiver, notice)
        errand.outcome = Outcome(notice.stage, self._clock.now(), problem)
        errand.failures = errand.failures + 1 if problem else 0
        errand.due = self._clock.monotonic() + _pause(receiver, notice, errand.failures)
        errand.tasks.clear()  # before the key is looked at again: nothing is in flight any more
        self._on_result(key)


async def _problem(receiver: Receiver, notice: Notice) -> str:
    """Why the receiver may not know it; empty when it does."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await receiver.send(notice)
    except TimeoutError:
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    except NotDeliveredError as error:
        return str(error)[:256]
    except Exception as error:  # a fault of ours must not keep the notice from being tried again
        return f"failed: {type(error).__name__}"
    return ""


def _pause(receiver: Receiver, notice: Notice, failures: int) -> float:
    if failures:
        return float(min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), MAX_PAUSE_SECONDS))
    if receiver.refresh_seconds is None or notice.stage is Stage.RESOLVED:
        return float("inf")
    return receiver.refresh_seconds
