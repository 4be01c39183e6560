"""Metrics that the body of an answer bears, for models whose server lets them set no headers.

Both of KServe's protocols leave room for it: `{"predictions": [0.3], "parameters": {"shipway-metric-clicks": "3/20"}}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

PREFIX = "shipway-metric-"
MAX_BODY_BYTES = 1024 * 1024
"""A longer answer is not parsed: others wait meanwhile."""

_MARK = PREFIX.encode()


def told_in(body: bytes) -> Iterable[tuple[bytes, bytes]]:
    """Name and value of every metric, as headers would have them; parsed only where the prefix occurs."""
    if len(body) > MAX_BODY_BYTES or _MARK not in body:
        return ()
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    parameters = answer.get("parameters") if isinstance(answer, dict) else None
    return _told(parameters) if isinstance(parameters, dict) else ()


def _told(parameters: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    for key, value in parameters.items():
        if key.startswith(PREFIX) and type(value) in {int, float, str}:
            yield _bytes(key.removeprefix(PREFIX)), _bytes(str(value))


def _bytes(text: str) -> bytes:
    """What is not ASCII is neither a name nor a number, whatever it becomes."""
    return text.encode("ascii", "replace")
