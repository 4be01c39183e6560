"""The digest of an artifact is the root digest of OpenSSF Model Signing."""

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_signing import hashing
from model_signing._signing.signing import Payload

from shipway_workloads import digest
from shipway_workloads.storage import FileStore, StorageError
from shipway_workloads.termination import WorkloadError
from shipway_workloads.verify.__main__ import main as verify

NAMES = st.from_regex(r"[a-c.\-]{1,3}[a-c](/[a-c]{1,2}\.bin)?", fullmatch=True)
TREES = st.dictionaries(NAMES, st.binary(min_size=1, max_size=64), min_size=1, max_size=6)


def tree(folder: Path, files: dict[str, bytes]) -> FileStore:
    for name, data in files.items():
        path = folder / name
        if any(parent.is_file() for parent in path.parents) or path.is_dir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return FileStore(folder)


def reference(folder: Path) -> str:
    """What the reference implementation signs."""
    return str(Payload(hashing.hash(folder)).statement.pb.subject[0].digest["sha256"])


@settings(max_examples=40, deadline=None)
@given(files=TREES)
def test_it_equals_what_model_signing_computes(files: dict[str, bytes]):
    with TemporaryDirectory() as scratch:
        store = tree(Path(scratch), files)
        assert digest.of_store(store).digest == f"sha256:{reference(Path(scratch))}"


def test_it_is_the_hash_of_hashes_in_the_order_of_names(tmp_path: Path):
    store = tree(tmp_path, {"b": b"2", "a": b"1"})
    raw = hashlib.sha256(b"1").digest() + hashlib.sha256(b"2").digest()
    found = digest.of_store(store)
    assert found.digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert (found.files, found.size_bytes) == (2, 2)


def test_one_changed_byte_changes_it(tmp_path: Path):
    store = tree(tmp_path, {"weights": bytes(1000), "model.json": b"{}"})
    before = digest.of_store(store).digest
    (tmp_path / "weights").write_bytes(bytes(999) + b"\1")
    assert digest.of_store(store).digest != before


def test_an_empty_file_is_refused_because_serving_would_skip_it(tmp_path: Path):
    with pytest.raises(WorkloadError, match="weights is empty") as caught:
        digest.of_store(tree(tmp_path, {"weights": b"", "model.json": b"{}"}))
    assert caught.value.reason == "EmptyFile"


def test_nothing_has_no_digest(tmp_path: Path):
    with pytest.raises(StorageError, match="no object"):
        digest.of_store(FileStore(tmp_path))


def test_the_verify_pod_tells_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHIPWAY_TERMINATION_LOG", str(tmp_path / "log"))
    store = tree(tmp_path / "artifact", {"a": b"1", "b": b"22"})
    assert verify(["--uri", store.uri]) == 0
    expected = {"digest": digest.of_store(store).digest, "files": 2, "sizeBytes": 3}
    assert json.loads((tmp_path / "log").read_text()) == expected


@pytest.mark.parametrize(("uri", "reason"), [("file:///not/there", "NotFound"), ("gs://x/y", "InvalidUri")])
def test_the_verify_pod_tells_why_it_cannot(uri: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHIPWAY_TERMINATION_LOG", str(tmp_path / "log"))
    assert verify(["--uri", uri]) == 1
    error = json.loads((tmp_path / "log").read_text())["error"]
    assert error["reason"] == reason
    assert uri in error["message"]
