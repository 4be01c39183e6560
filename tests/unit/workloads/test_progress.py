"""Progress posts: the newest state, with a fresh token, and never at training's cost."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shipway.integrations.report import Activity as ReportedActivity
from shipway_workloads.training.contract import TrainingContext
from shipway_workloads.training.progress import Activity, Checkpoint, Progress, ProgressReporter

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class Receiver:
    url: str
    bodies: list[dict[str, object]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    status: int = 204

    def wait_for(self, posts: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.bodies) < posts:
            assert time.monotonic() < deadline, f"{len(self.bodies)} of {posts} posts came within 30 s"
            time.sleep(0.005)


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.tokens.append(self.headers["authorization"])
            got.bodies.append(json.loads(body))
            self.send_response(got.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    got = Receiver(url=f"http://127.0.0.1:{server.server_port}/progress")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def context(url: str, *, rank: int = 0, token_file: Path | None = None) -> TrainingContext:
    environ = {
        "SHIPWAY_JOB": "j",
        "SHIPWAY_NAMESPACE": "n",
        "SHIPWAY_ATTEMPT": "3",
        "SHIPWAY_OUTPUT_URI": "file:///tmp/out",
        "SHIPWAY_PROGRESS_URL": url,
        "SHIPWAY_TOKEN_FILE": str(token_file) if token_file else "",
        "RANK": str(rank),
        "WORLD_SIZE": "2",
    }
    return TrainingContext.from_environment(environ)


def progress(step: int, checkpoint: Checkpoint | None = None) -> Progress:
    return Progress(step=step, total_steps=800, loss=0.53119, samples_per_second=20411.32, checkpoint=checkpoint)


def test_a_post_says_how_far_training_is():
    checkpoint = Checkpoint(step=100, uri="s3://ck/step-100", time=NOON)
    with receiver() as got, ProgressReporter(context(got.url), now=lambda: NOON) as reporter:
        reporter.update(progress(120, checkpoint))
    assert got.bodies == [
        {
            "attempt": 3,
            "step": 120,
            "totalSteps": 800,
            "loss": "0.5312",
            "samplesPerSecond": "20411.3",
            "checkpoint": {"step": 100, "uri": "s3://ck/step-100", "time": "2026-11-24T12:00:00Z"},
            "time": "2026-11-24T12:00:00Z",
        }
    ]


def test_only_the_newest_state_is_posted():
    with receiver() as got, ProgressReporter(context(got.url), interval_seconds=0.05) as reporter:
        for step in range(100):
            reporter.update(progress(step))
        got.wait_for(1)
        reporter.update(progress(500))
        got.wait_for(2)
    assert [body["step"] for body in got.bodies] == [99, 500]


def test_an_activity_is_told_again_and_again_while_it_lasts_and_no_longer():
    with (
        receiver() as got,
        ProgressReporter(context(got.url), interval_seconds=0.01, heartbeat_seconds=0.05) as reporter,
    ):
        reporter.update(progress(7))
        with reporter.activity(Activity.EVALUATING):
            began = len(got.bodies)
            got.wait_for(began + 3)
        got.wait_for(len(got.bodies) + 1)
        told = list(got.bodies)
        time.sleep(0.2)
        assert len(got.bodies) <= len(told) + 1, "nothing changes and nothing is announced"
    assert {body["step"] for body in told} == {7}
    assert [body.get("activity") for body in told if "activity" in body][-2:] == ["Evaluating", "Evaluating"]
    assert "activity" not in got.bodies[-1]


def test_before_the_first_step_there_is_nothing_to_tell():
    with (
        receiver() as got,
        ProgressReporter(context(got.url), interval_seconds=0.01) as reporter,
        reporter.activity(Activity.LOADING_DATA),
    ):
        time.sleep(0.05)
    assert got.bodies == []


def test_the_operator_knows_every_activity():
    assert [activity.value for activity in Activity] == [activity.value for activity in ReportedActivity]


def test_the_token_is_read_anew_for_each_post(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("first\n")
    with (
        receiver() as got,
        ProgressReporter(context(got.url, token_file=token), interval_seconds=0.02) as reporter,
    ):
        reporter.update(progress(1))
        got.wait_for(1)
        token.write_text("second\n")
        reporter.update(progress(2))
        got.wait_for(2)
    assert got.tokens == ["Bearer first", "Bearer second"]


def test_the_other_ranks_are_silent():
    with receiver() as got, ProgressReporter(context(got.url, rank=1), interval_seconds=0.01) as reporter:
        reporter.update(progress(1))
        time.sleep(0.05)
    assert got.bodies == []


def test_a_refused_post_is_tried_again_with_the_newest_state():
    with receiver() as got, ProgressReporter(context(got.url), interval_seconds=0.02) as reporter:
        got.status = 503
        reporter.update(progress(1))
        got.wait_for(2)
    assert {body["step"] for body in got.bodies} == {1}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/progress", "not a url"])
def test_training_goes_on_when_nobody_listens(url: str, caplog: pytest.LogCaptureFixture):
    began = time.monotonic()
    with ProgressReporter(context(url), interval_seconds=0.01) as reporter:
        for step in range(20):
            reporter.update(progress(step))
            time.sleep(0.005)
    assert time.monotonic() - began < 10, "nobody waits for the receiver"
    complaints = [record for record in caplog.records if "training goes on" in record.message]
    assert len(complaints) == 1, "one line says so, not one a post"
