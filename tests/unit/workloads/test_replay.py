"""The replay: real held-out traffic, at the rate asked for, whatever the server does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shipway_workloads.replay import Replay, Segment, held_out_pairs, read_segment
from shipway_workloads.replay.control import control
from shipway_workloads.replay.replay import next_delay
from shipway_workloads.replay.segments import shard_of
from shipway_workloads.training import movielens
from shipway_workloads.training.movielens import Split

Handler = Callable[[int, int], Awaitable[web.Response]]


@asynccontextmanager
async def predictor(answer: Handler) -> AsyncIterator[str]:
    """A server that answers each pair by `answer(user, item)`."""

    async def handle(request: web.Request) -> web.Response:
        assert request.host == "ranker.example.com"
        pair = (await request.json())["instances"][0]
        return await answer(pair["user"], pair["item"])

    app = web.Application()
    app.add_routes([web.post("/v1/models/ranker:predict", handle)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield str(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def good(user: int, item: int) -> web.Response:
    return web.json_response({"predictions": [0.5]}, headers={"x-shipway-version": "v2"})


def replay(port: str, segment: Path | str, *, rate: float = 200, record_to: Path | None = None) -> Replay:
    return Replay(
        url=f"http://127.0.0.1:{port}",
        host="ranker.example.com",
        model="ranker",
        rate=rate,
        segment=str(segment),
        record_to=record_to,
    )


async def answered(running: Replay, requests: int) -> None:
    async with asyncio.timeout(30):
        while running.stats().requests < requests:  # noqa: ASYNC110  (the replay has no event to wait for)
            await asyncio.sleep(0.01)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text("user,item\n1,10\n2,20\n3,30\n")
    return path


def test_all_is_every_held_out_interaction_and_nothing_else():
    data = movielens.load()
    held_out = data.held_out(Split.USER_TAIL)
    expected = sorted(zip(data.user[held_out].tolist(), data.item[held_out].tolist(), strict=True))
    assert sorted(held_out_pairs(Segment.ALL)) == expected


def test_head_is_the_same_without_the_last_item_shard():
    head, everything = held_out_pairs(Segment.HEAD), held_out_pairs(Segment.ALL)
    assert {shard_of(pair.item) for pair in head} == {0, 1, 2, 3}
    assert head == [pair for pair in everything if shard_of(pair.item) != 4]
    assert 0.15 < 1 - len(head) / len(everything) < 0.25


def test_a_segment_can_come_from_a_file(pairs: Path):
    assert read_segment(str(pairs)) == [(1, 10), (2, 20), (3, 30)]


@pytest.mark.parametrize(
    ("text", "message"),
    [("user,item\n", "no rows"), ("a,b\n1,2\n", "columns user and item"), ("user,item\n1,x\n", "integer ids")],
)
def test_a_file_that_is_no_segment_says_why(text: str, message: str, tmp_path: Path):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_segment(str(path))


def test_an_unknown_segment_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="one of head, all or a CSV file"):
        read_segment("tail")


async def test_every_request_is_recorded_with_who_answered(pairs: Path, tmp_path: Path):
    log = tmp_path / "answers.jsonl"
    async with predictor(good) as port, replay(port, pairs, record_to=log) as running:
        await answered(running, 6)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["user"], line["item"]) for line in lines[:4]] == [(1, 10), (2, 20), (3, 30), (1, 10)]
    assert {(line["status"], line["version"], line["error"]) for line in lines} == {(200, "v2", "")}
    assert len(lines) == running.stats().requests
    assert all(line["ended"] >= line["started"] for line in lines)


async def test_slow_answers_do_not_hold_up_the_next_requests(pairs: Path):
    release = asyncio.Event()

    async def stuck(user: int, item: int) -> web.Response:
        await release.wait()
        return await good(user, item)

    async with predictor(stuck) as port, replay(port, pairs, rate=100) as running:
        async with asyncio.timeout(30):
            while running.stats().in_flight < 20:  # noqa: ASYNC110  (the replay has no event to wait for)
                await asyncio.sleep(0.01)
        assert running.stats().requests == 0
        release.set()
    assert running.stats().in_flight == 0
    assert running.stats().requests >= 20


def test_lateness_is_made_up_for_so_that_the_rate_holds():
    assert next_delay(sent=10, rate=100, elapsed=0.04) == pytest.approx(0.06)
    assert [next_delay(sent=sent, rate=100, elapsed=0.5) for sent in (10, 49, 50)] == [0, 0, 0]
    assert next_delay(sent=51, rate=100, elapsed=0.5) == pytest.approx(0.01)


async def test_failures_are_counted_with_the_server_s_own_words(pairs: Path):
    async def broken(user: int, item: int) -> web.Response:
        if item == 20:
            return web.json_response({"error": "item 20 has no row"}, status=500)
        return await good(user, item)

    async with predictor(broken) as port, replay(port, pairs) as running:
        await answered(running, 9)
    failed = [answer for answer in running.answers_since(0) if not answer.ok]
    assert {answer.item for answer in failed} == {20}
    assert all("no row" in answer.error for answer in failed)
    assert running.stats().failed == len(failed)


async def test_no_server_is_a_failure_and_not_an_end(pairs: Path):
    async with replay("1", pairs) as running:
        await answered(running, 3)
    assert {answer.status for answer in running.answers_since(0)} == {0}
    assert running.stats().failed == running.stats().requests


async def test_answers_can_be_asked_for_by_time(pairs: Path):
    async with predictor(good) as port, replay(port, pairs) as running:
        await asyncio.sleep(0.1)
        middle = time.time()
        await asyncio.sleep(0.1)
    later = running.answers_since(middle)
    assert 0 < len(later) < running.stats().requests
    assert all(answer.ended >= middle for answer in later)


async def test_the_segment_is_switched_while_running(pairs: Path, tmp_path: Path, unused_port: int):
    other = tmp_path / "other.csv"
    other.write_text("user,item\n7,70\n")
    async with (
        predictor(good) as port,
        replay(port, pairs) as running,
        control(running, unused_port),
        aiohttp.ClientSession(f"http://127.0.0.1:{unused_port}") as client,
    ):
        async with client.post("/segment", data=str(other)) as response:
            assert await response.json() == {"segment": str(other), "interactions": 1}
        switched = time.time()
        await asyncio.sleep(0.1)
        async with client.get("/stats") as response:
            assert (await response.json())["failed"] == 0
        async with client.post("/segment", data="nonsense") as response:
            assert response.status == 400
            assert "one of head, all" in (await response.json())["error"]
    sent_after = [answer for answer in running.answers_since(0) if answer.started >= switched]
    assert sent_after
    assert {answer.item for answer in sent_after} == {70}


def test_a_rate_of_nothing_is_refused(pairs: Path):
    with pytest.raises(ValueError, match="rate 0 must be above 0"):
        replay("1", pairs, rate=0)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
