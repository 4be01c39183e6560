"""Waiting for the world to become as expected, with the last thing seen in the failure."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class HopelessError(Exception):
    """Raised by a look when waiting longer makes no sense."""


async def eventually(
    look: Callable[[], Awaitable[T]], *, within: float = 15.0, every: float = 0.05, what: str = ""
) -> T:
    """The first true result of `look`.

    Args:
        look: Looks at the world; a false result or an exception means not yet.
        within: Seconds to go on looking.
        every: Seconds between two looks.
        what: What is waited for, in words.

    Raises:
        AssertionError: the time is over; says what was waited for and what was seen or raised last.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            seen: object = await look()
            if seen:
                return seen  # type: ignore[return-value]
        except HopelessError as error:
            raise AssertionError(f"{what or look}: {error}") from error
        except Exception as error:
            seen = error
        if time.monotonic() > deadline:
            name = what or getattr(look, "__qualname__", repr(look))
            raise AssertionError(f"not within {within:g} s: {name}; last seen: {seen!r}")
        await asyncio.sleep(every)


async def never(look: Callable[[], Awaitable[object]], *, during: float, every: float = 0.05, what: str = "") -> None:
    """Look again and again for some seconds; fail as soon as a look is true."""
    deadline = time.monotonic() + during
    while time.monotonic() < deadline:
        if seen := await look():
            raise AssertionError(f"must not happen: {what or getattr(look, '__qualname__', look)}; seen: {seen!r}")
        await asyncio.sleep(every)
