"""`python -m shipway_workloads.replay --url http://127.0.0.1:8080 --model ranker --rate 60`: the load generator."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

from shipway_workloads.replay.control import control
from shipway_workloads.replay.replay import Replay, Stats
from shipway_workloads.replay.segments import Segment

SUMMARY_SECONDS_TERMINAL = 0.5
SUMMARY_SECONDS_LOG = 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Replays until the duration is over or SIGINT or SIGTERM comes, then prints the sums as JSON.

    Returns:
        0 when no request failed, else 1.
    """
    arguments = _arguments(argv)
    stats = asyncio.run(_replay(arguments))
    print(json.dumps(asdict(stats)))
    return 1 if stats.failed else 0


async def _replay(arguments: argparse.Namespace) -> Stats:
    replay = Replay(
        url=arguments.url,
        host=arguments.host,
        model=arguments.model,
        rate=arguments.rate,
        segment=arguments.segment,
        record_to=arguments.record,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        if arguments.control_port:
            await stack.enter_async_context(control(replay, arguments.control_port))
        await stack.enter_async_context(replay)
        summary = asyncio.create_task(_summarize(replay))
        try:
            await asyncio.wait_for(stopped.wait(), arguments.duration)
        except TimeoutError:
            pass
        finally:
            summary.cancel()
    return replay.stats()


async def _summarize(replay: Replay) -> None:
    terminal = sys.stderr.isatty()
    while True:
        await asyncio.sleep(SUMMARY_SECONDS_TERMINAL if terminal else SUMMARY_SECONDS_LOG)
        line = one_line(replay.stats())
        print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)


def one_line(stats: Stats) -> str:
    """The live summary."""
    versions = " ".join(f"{name or '-'}:{count}" for name, count in sorted(stats.versions.items()))
    return (
        f"{stats.requests} requests, {stats.recent_rate:.0f}/s, p50 {1000 * stats.p50:.1f} ms,"
        f" p99 {1000 * stats.p99:.1f} ms, {stats.failed} failed ({stats.recent_failed} just now) | {versions}"
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shipway_workloads.replay")
    parser.add_argument("--url", required=True, help="base URL of the gateway or predictor")
    parser.add_argument("--host", help="Host header of the route")
    parser.add_argument("--model", required=True, help="name of the model in the path")
    parser.add_argument("--rate", type=float, default=60.0, help="requests per second (default: %(default)s)")
    parser.add_argument("--duration", type=float, help="seconds to run (default: until stopped)")
    parser.add_argument(
        "--segment",
        default=Segment.ALL.value,
        help=f"one of {', '.join(Segment)}, or a CSV file with columns user,item (default: %(default)s)",
    )
    parser.add_argument("--record", type=Path, help="JSONL file that gets one line a request")
    parser.add_argument("--control-port", type=int, help="port on 127.0.0.1 for POST /segment and GET /stats")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
