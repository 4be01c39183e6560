"""Has predictors' counters read again and again, and folded into what somebody wants to know of them."""

import asyncio
import logging
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from shipway.integrations.counter_reader import CounterReader
from shipway.integrations.tally import Counters, Target
from shipway.kube.resource import Key

PERIOD_SECONDS = 0.25
"""Between two looks while a release is under way."""
_log = logging.getLogger(__name__)
A = TypeVar("A")
R = TypeVar("R")
A_contra = TypeVar("A_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Following(Protocol[A_contra, R_co]):
    """What becomes of the counters of one deployment's pods. Does no I/O."""

    @property
    def targets(self) -> Sequence[Target]:
        """The pods to read."""
        ...

    def assign(self, assignment: A_contra) -> None:
        """Go on with this one."""
        ...

    def take(self, answers: Mapping[Target, Counters | str]) -> bool:
        """Fold one round of answers in; whether there is something new to decide on."""
        ...

    def reading(self) -> R_co:
        """What is known now."""
        ...


class CounterBoard(Generic[A, R]):
    """Reads the pods it is asked to follow until it is asked to forget them.

    Args:
        begin: Makes of the first assignment of a deployment what follows it.
        reader: To read with; closed with the board.
        on_sample: Told the deployment's key when there is something new to decide on.
        monotonic: Seconds that only grow.
        period: Seconds between two looks.
        spread: Whether deployments are read one after the other in a period, and not as they come.
    """

    def __init__(
        self,
        begin: Callable[[A], Following[A, R]],
        *,
        reader: CounterReader,
        on_sample: Callable[[Key], None],
        monotonic: Callable[[], float] = time.monotonic,
        period: float = PERIOD_SECONDS,
        spread: bool = False,
    ) -> None:
        self._begin = begin
        self._reader = reader
        self._on_sample = on_sample
        self._monotonic = monotonic
        self._period = period
        self._spread = spread
        self._followed: dict[Key, tuple[Following[A, R], asyncio.Task[None]]] = {}
        self._faulty: set[Key] = set()

    def follow(self, key: Key, assignment: A) -> None:
        """Read these pods; calling it again tells whoever follows them already."""
        if key in self._followed:
            self._followed[key][0].assign(assignment)
            return
        follower = self._begin(assignment)
        task = asyncio.create_task(self._run(key, follower), name=f"counters {key}")
        self._followed[key] = follower, task

    def forget(self, key: Key) -> None:
        """Stop reading for a deployment."""
        if key in self._followed:
            _, task = self._followed.pop(key)
            self._faulty.discard(key)
            task.cancel()

    def reading(self, key: Key) -> R | None:
        """What is known now; None for a deployment that is not followed."""
        return self._followed[key][0].reading() if key in self._followed else None

    def readings(self) -> Mapping[Key, R]:
        """What is known now of all of them."""
        return {key: follower.reading() for key, (follower, _) in self._followed.items()}

    async def close(self) -> None:
        """Stop reading at all."""
        tasks = [task for _, task in self._followed.values()]
        for key in tuple(self._followed):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._reader.close()

    async def _run(self, key: Key, follower: Following[A, R]) -> None:
        if self._spread:
            await asyncio.sleep(self._period * _place(key))
        while True:
            began = self._monotonic()
            targets = follower.targets
            answers = await asyncio.gather(*(self._reader.read(target) for target in targets))
            if self._take(key, follower, dict(zip(targets, answers, strict=True))):
                self._on_sample(key)
            await asyncio.sleep(max(0.0, self._period - (self._monotonic() - began)))

    def _take(self, key: Key, follower: Following[A, R], answers: Mapping[Target, Counters | str]) -> bool:
        try:
            return follower.take(answers)
        except Exception:  # a fault of ours must be seen in the log, and not end the reading
            if key not in self._faulty:
                _log.exception("the counters of %s cannot be folded in; what is known of them stays as it is", key)
            self._faulty.add(key)
            return False


def _place(key: Key) -> float:
    """Where in a period a deployment is read, from 0 to 1: a thousand of them not in one moment."""
    return zlib.crc32(str(key).encode()) / 2**32
