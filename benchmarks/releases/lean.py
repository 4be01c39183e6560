"""A predictor that only answers: for rates at which a model's own server would fill a small machine.

It counts, spoils answers and says its version as the built-in one does, from beside `unreliable.py` in the same pod.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shipway_workloads.serving.counters import Counters
from shipway_workloads.serving.middleware import Drain, PredictionMiddleware
from shipway_workloads.serving.observer import DEFAULT_PORT, observer

PORT = 8080
BODY = b'{"predictions": [0.5]}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]

Message = MutableMapping[str, Any]


async def answer(
    _: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The same answer to whatever is asked, the question whether it is ready among them."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
    await send({"type": "http.response.body", "body": BODY})


async def serve() -> None:
    """Until it is told to end."""
    import uvicorn  # noqa: PLC0415  (in the predictor's image, and not where benchmarks run)
    from unreliable import FILE, FOLDER, Fault, Unreliable  # type: ignore[import-not-found]  # noqa: PLC0415

    fault = Fault(**json.loads((FOLDER / FILE).read_text())["fault"])
    version = os.environ["SHIPWAY_MODEL_VERSION"]
    counters = Counters(pod=socket.gethostname(), started_at=time.time(), model="ranker", version=version)
    app = PredictionMiddleware(Unreliable(answer, fault=fault), counters=counters, drain=Drain())
    config = uvicorn.Config(app, host="0.0.0.0", port=PORT, lifespan="off", access_log=False, log_level="warning")  # noqa: S104
    async with observer(counters, DEFAULT_PORT):
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve())
    sys.exit(0)
