"""The real predictor process: ready only with the right artifact, honest answers, no request lost at its end."""

import json
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from processes import Started, started, until, unused_port
from shipway_workloads.training import artifact, evaluate
from small_ranker import small_ranker

SERVING = "shipway_workloads.serving"
PREDICT = "/v1/models/ranker:predict"


@dataclass
class Predictor:
    """A running predictor and its two ports."""

    running: Started
    port: int
    counters_port: int

    def ready(self) -> bool:
        """Whether the probe that Kubernetes asks answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/health/ready", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def ask(
        self, *pairs: tuple[int, int], connection: HTTPConnection | None = None, slices: str = ""
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of the answer."""
        headers = {"content-type": "application/json"} | ({"X-Shipway-Slice": slices} if slices else {})
        client = connection or HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = json.dumps({"instances": [{"user": user, "item": item} for user, item in pairs]})
        client.request("POST", PREDICT, body, headers)
        response = client.getresponse()
        answer = json.loads(response.read())
        if connection is None:
            client.close()
        return response.status, answer, {name.lower(): value for name, value in response.getheaders()}

    def tell(self, labels: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of the answer to labels."""
        client = HTTPConnection("127.0.0.1", self.port, timeout=10)
        client.request("POST", "/labels", json.dumps(labels), {"content-type": "application/json"})
        response = client.getresponse()
        answer = json.loads(response.read())
        client.close()
        return response.status, answer

    def counters(self) -> dict[str, Any]:
        """The counters."""
        return json.loads(self.get("/counters"))  # type: ignore[no-any-return]

    def get(self, path: str) -> str:
        """A page of the second port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.counters_port}{path}", timeout=5) as response:
            return str(response.read().decode())


@contextmanager
def predictor(folder: Path, *, digest: str, log: Path) -> Iterator[Predictor]:
    """A predictor of the artifact in `folder`, which must have `digest`."""
    port, counters_port = unused_port(), unused_port()
    args = ("--model_name=ranker", f"--model_dir={folder}", f"--http_port={port}", f"--counters_port={counters_port}")
    env = {"SHIPWAY_MODEL_VERSION": "v2", "SHIPWAY_MODEL_DIGEST": digest}
    with started(SERVING, *args, log=log, env=env) as running:
        yield Predictor(running, port, counters_port)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """A predictor whose artifact lost the row of item 13."""
    scratch = tmp_path_factory.mktemp("served")
    published = artifact.publish(small_ranker().keep_items([10, 11, 12]), (scratch / "artifact").as_uri())
    with predictor(scratch / "artifact", digest=published.digest, log=scratch / "log") as running:
        until("readiness", running.ready)
        yield running


def test_it_answers_with_the_model_s_numbers_and_its_version(served: Predictor):
    status, body, headers = served.ask((3, 10), (1, 12))
    expected = evaluate.score(small_ranker(), np.asarray([3, 1]), np.asarray([10, 12]))
    assert (status, body["predictions"]) == (200, pytest.approx(expected.tolist(), abs=1e-6))
    assert headers["x-shipway-version"] == "v2"


def test_a_label_is_told_by_the_id_of_the_answer_and_counted_with_its_version(served: Predictor):
    _, _, headers = served.ask((3, 10), (1, 12))
    labels = [{"id": headers["x-shipway-prediction-id"], "instance": instance, "label": 1} for instance in (0, 1)]
    assert served.tell({"labels": labels}) == (200, {"counted": 2, "tooLate": 0})
    assert served.tell({"labels": [{"id": "guessed", "label": 1}]})[0] == 400
    cohorts = served.counters()["labels"]["versions"]["v2"]
    assert sum(positives for _, _, _, positives, *_ in cohorts) == 2


def test_a_lost_row_is_a_server_error_that_names_the_item(served: Predictor):
    status, body, headers = served.ask((1, 13))
    assert (status, headers["x-shipway-version"]) == (500, "v2")
    assert body == {"error": "item 13 is in the catalogue but this artifact has no row for it"}


def test_an_item_outside_the_catalogue_is_the_client_s_error(served: Predictor):
    assert served.ask((1, 99))[:2] == (400, {"error": "item 99 is not in this model's catalogue"})


def test_every_kind_of_answer_is_counted_as_what_it_is(served: Predictor):
    before = served.counters()
    for pair in ((1, 10), (1, 10), (1, 13), (1, 99)):
        served.ask(pair)
    after = served.counters()
    assert after["requests"] - before["requests"] == 4
    assert after["errors"] - before["errors"] == 1
    assert after["clientErrors"] - before["clientErrors"] == 1
    assert sum(after["latency"]["counts"]) == after["requests"]
    assert sum(after["scores"]["counts"]) - sum(before["scores"]["counts"]) == 2
    assert after["startedAt"] == before["startedAt"]
    assert after["model"]["version"] == "v2"
    assert f'shipway_predictor_requests_total{{result="error"}} {after["errors"]}.0' in served.get("/metrics")


def test_answers_are_counted_for_the_slices_of_their_requests_as_well(served: Predictor):
    for pair in ((1, 10), (1, 13)):
        served.ask(pair, slices="acme, de, Not A Name")
    served.ask((1, 10), slices="de")
    counted = served.counters()
    assert {name: (told["requests"], told["errors"]) for name, told in counted["slices"].items()} == {
        "acme": (2, 1),
        "de": (3, 1),
    }
    assert counted["slicesLeftOut"] == 0


def test_probes_are_no_requests(served: Predictor):
    before = served.counters()["requests"]
    assert served.ready()
    assert served.counters()["requests"] == before


def test_a_changed_artifact_never_becomes_ready(tmp_path: Path):
    published = artifact.publish(small_ranker(), (tmp_path / "artifact").as_uri())
    weights = tmp_path / "artifact" / artifact.WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with predictor(tmp_path / "artifact", digest=published.digest, log=tmp_path / "log") as refused:
        seen_ready = False
        while refused.running.process.poll() is None:
            seen_ready = seen_ready or refused.ready()
        assert not seen_ready
        assert refused.running.wait() == 1
    error = refused.running.message()["error"]
    assert error["reason"] == "DigestMismatch"
    assert published.digest in error["message"]


def test_no_request_is_lost_when_a_predictor_is_told_to_stop(tmp_path: Path):
    published = artifact.publish(small_ranker(), (tmp_path / "artifact").as_uri())
    with predictor(tmp_path / "artifact", digest=published.digest, log=tmp_path / "log") as leaving:
        until("readiness", leaving.ready)
        kept_alive = HTTPConnection("127.0.0.1", leaving.port, timeout=10)
        assert leaving.ask((1, 10), connection=kept_alive)[0] == 200
        told = time.monotonic()
        leaving.running.process.send_signal(signal.SIGTERM)
        statuses: list[int] = []

        def keep_asking() -> None:
            while time.monotonic() - told < 1.0:
                statuses.append(leaving.ask((1, 10))[0])

        askers = [threading.Thread(target=keep_asking) for _ in range(4)]
        for asker in askers:
            asker.start()
        status, _, headers = leaving.ask((1, 11), connection=kept_alive)
        assert (status, headers["connection"]) == (200, "close"), "it asks its clients to move on"
        for asker in askers:
            asker.join()
        assert set(statuses) == {200}
        assert len(statuses) >= 4
        leaving.running.wait()
        assert 2.0 <= time.monotonic() - told < 30
