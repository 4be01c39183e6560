"""One answer over HTTP from somebody who is not trusted: bounded in time and length, and taken as it comes."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import aiohttp
from pydantic import ValidationError

from shipway.analysis.answers import NoAnswer

A = TypeVar("A")
TIMEOUT_SECONDS = 5.0
MAX_BODY_BYTES = 64 * 1024
MAX_WORDS = 240
"""Characters of a complaint, parts of which a stranger may have chosen."""


async def body_of(response: aiohttp.ClientResponse, *, at_most: int = MAX_BODY_BYTES) -> bytes:
    """The whole body.

    Raises:
        aiohttp.ClientPayloadError: It is longer than `at_most` bytes.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        body += chunk
        if len(body) > at_most:
            raise aiohttp.ClientPayloadError(f"the answer is longer than {at_most} bytes")
    return bytes(body)


async def asked(whom: str, question: Awaitable[A | NoAnswer]) -> A | NoAnswer:
    """The answer to a question, or in words why there is none; the words have no address.

    Args:
        whom: Who is asked, as people know him.
        question: The request, and what is made of its answer.
    """
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await question
    except TimeoutError:
        return NoAnswer(f"{whom} gave no answer within {TIMEOUT_SECONDS:g} s")
    except ValidationError as error:
        return NoAnswer(one_line(f"{whom}: {first_of(error)}"))
    except aiohttp.ClientPayloadError as error:
        return NoAnswer(one_line(f"{whom}: {error}"))
    except (aiohttp.ClientError, OSError) as error:
        return NoAnswer(f"{whom} cannot be reached: {type(error).__name__}")


def first_of(error: ValidationError, *, whole: str = "answer") -> str:
    """The first thing that is wrong with what a stranger sent: where, and what. He may have chosen the names in it."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or whole}: {first['msg']}"


def one_line(text: str, *, at_most: int = MAX_WORDS) -> str:
    """A stranger's words as they fit into a status: printable, in one line, bounded."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:at_most]
