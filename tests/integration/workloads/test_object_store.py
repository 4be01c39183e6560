"""The workloads against a real S3 server: the same one that the lab runs."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest

from processes import until, unused_port
from shipway_lab import paths
from shipway_lab.artifacts.cache import Cache
from shipway_lab.artifacts.progress import Progress
from shipway_lab.parts.s3 import S3
from shipway_workloads import digest, storage
from shipway_workloads.serving import storage_initializer
from shipway_workloads.storage import FileStore, StorageError, StorageReason, open_store
from shipway_workloads.training import artifact
from shipway_workloads.training.checkpoint import CheckpointStore
from shipway_workloads.verify.__main__ import main as verify
from small_ranker import small_ranker

pytestmark = pytest.mark.lab

BUCKET = "models"
KEYS = {"AWS_ACCESS_KEY_ID": "shipway", "AWS_SECRET_ACCESS_KEY": "a-secret-of-this-test"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server with one bucket."""
    binary = Cache(paths.cache_home()).ensure(S3().artifacts()[0], Progress())
    port, scratch = unused_port(), tmp_path_factory.mktemp("s3")
    (scratch / "objects").mkdir()
    (scratch / "sidecar").mkdir()
    url = f"http://127.0.0.1:{port}"
    command = [binary, "--port", f"127.0.0.1:{port}", "--health", "/health", "--quiet", "posix"]
    server = subprocess.Popen(
        [*command, "--sidecar", scratch / "sidecar", scratch / "objects"],
        env={
            **os.environ,
            "ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"],
            "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"],
        },
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        until("the S3 server", lambda: answers(f"{url}/health"))
        boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        ).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(autouse=True)
def credentials(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment that a pod gets from its Secret."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SHIPWAY_TERMINATION_LOG", str(tmp_path / "termination-log"))
    return monkeypatch


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=1) as response:
        return bool(response.status == 200)
    return False


def test_a_store_keeps_to_its_own_prefix():
    one, ten = open_store(f"s3://{BUCKET}/prefix/v1"), open_store(f"s3://{BUCKET}/prefix/v10")
    one.write("model.json", b"1")
    ten.write("model.json", b"10")
    assert one.names() == ["model.json"]
    assert (one.read("model.json"), ten.read("model.json")) == (b"1", b"10")
    one.delete("model.json")
    one.delete("model.json")
    assert (one.names(), ten.names()) == ([], ["model.json"])


@pytest.mark.parametrize(
    ("uri", "name", "reason"),
    [
        (f"s3://{BUCKET}/prefix", "none", StorageReason.NOT_FOUND),
        ("s3://no-such-bucket/prefix", "none", StorageReason.NOT_FOUND),
    ],
)
def test_what_is_not_there_is_not_found(uri: str, name: str, reason: StorageReason):
    with pytest.raises(StorageError, match=f"{uri}/{name}") as caught:
        open_store(uri).read(name)
    assert caught.value.reason == reason


def test_a_wrong_key_is_denied_and_not_told(credentials: pytest.MonkeyPatch):
    credentials.setenv("AWS_SECRET_ACCESS_KEY", "guessed-wrong")
    with pytest.raises(StorageError) as caught:
        open_store(f"s3://{BUCKET}/prefix").names()
    assert caught.value.reason == StorageReason.ACCESS_DENIED
    assert "guessed" not in str(caught.value)


def test_checkpoints_are_fenced_in_an_object_store_as_in_a_folder():
    store = open_store(f"s3://{BUCKET}/checkpoints")
    first, second = CheckpointStore(store, attempt=1), CheckpointStore(store, attempt=2)
    assert first.claim() is None
    saved = first.save(50, b"fifty")
    pointer = second.claim()
    assert pointer is not None
    assert second.load(pointer) == b"fifty"
    assert saved.uri == f"s3://{BUCKET}/checkpoints/step-000000050-attempt-000001.pt"


def test_an_artifact_has_one_digest_wherever_it_is_computed(tmp_path: Path):
    uri = f"s3://{BUCKET}/ranker/v1"
    published = artifact.publish(small_ranker(), uri)
    artifact.publish(small_ranker(seed=2), f"s3://{BUCKET}/ranker/v10")
    assert verify(["--uri", uri]) == 0
    told = json.loads((tmp_path / "termination-log").read_text())
    assert told == {"digest": published.digest, "files": 2, "sizeBytes": published.size_bytes}

    downloaded = subprocess.run(
        [sys.executable, "-m", storage_initializer.__name__, uri, str(tmp_path / "models")], check=False
    )
    assert downloaded.returncode == 0
    assert digest.of_store(FileStore(tmp_path / "models")).digest == published.digest
    storage.download(open_store(uri), tmp_path / "again")
    assert digest.of_store(FileStore(tmp_path / "again")).digest == published.digest


def test_an_artifact_that_is_not_there_stops_the_predictor_s_pod_with_a_reason(tmp_path: Path):
    uri = f"s3://{BUCKET}/ranker/none"
    failed = subprocess.run(
        [sys.executable, "-m", storage_initializer.__name__, uri, str(tmp_path / "models")], check=False
    )
    assert failed.returncode == 1
    error = json.loads((tmp_path / "termination-log").read_text())["error"]
    assert error["reason"] == "DownloadFailed"
    assert uri in error["message"]
