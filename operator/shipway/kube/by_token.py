"""What the API server said about a token, remembered for a while. Tokens themselves are not kept, only their hashes."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

CAPACITY = 4096

T = TypeVar("T")


class AnswersByToken(Generic[T]):
    """Asks once for each token and remembers the answer.

    Args:
        ask: Asks the API server about a token.
        seconds: How long an answer counts.
        monotonic: Seconds of a clock that only goes forward.
    """

    def __init__(
        self, ask: Callable[[str], Awaitable[T]], *, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[float, T]] = {}

    async def get(self, token: str) -> T:
        """The answer about a token.

        Raises:
            ApiError: the API server could not be asked.
        """
        digest = hashlib.sha256(token.encode()).digest()
        now = self._monotonic()
        if (known := self._known.get(digest)) and now - known[0] < self._seconds:
            return known[1]
        answer = await self._ask(token)
        if len(self._known) >= CAPACITY:
            self._known = {d: (t, a) for d, (t, a) in self._known.items() if now - t < self._seconds}
        if len(self._known) < CAPACITY:
            self._known[digest] = (now, answer)
        return answer
