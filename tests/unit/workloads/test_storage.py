"""Folders of objects, and what is said when they cannot be had."""

import os
from pathlib import Path

import pytest

from shipway_workloads import storage
from shipway_workloads.storage import StorageError, StorageReason, open_store


def test_what_is_written_is_read_back_and_listed_by_name(tmp_path: Path):
    store = open_store(tmp_path.as_uri())
    store.write("b/two.txt", b"2")
    store.write("a.txt", b"1")
    assert store.names() == ["a.txt", "b/two.txt"]
    assert store.read("b/two.txt") == b"2"


def test_a_folder_that_is_not_there_is_an_empty_store(tmp_path: Path):
    assert open_store((tmp_path / "later").as_uri()).names() == []


def test_a_crash_in_the_middle_of_a_write_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = open_store(tmp_path.as_uri())
    store.write("latest.json", b"old")

    def crash(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        store.write("latest.json", b"new")
    assert store.names() == ["latest.json"]
    assert store.read("latest.json") == b"old"


def test_a_missing_object_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"none\.bin") as caught:
        open_store(tmp_path.as_uri()).read("none.bin")
    assert caught.value.reason == StorageReason.NOT_FOUND


def test_deleting_twice_is_no_error(tmp_path: Path):
    store = open_store(tmp_path.as_uri())
    store.write("x", b"1")
    store.delete("x")
    store.delete("x")
    assert store.names() == []


@pytest.mark.parametrize("uri", ["", "models/v1", "s3://", "s3:bucket", "gs://bucket/x", "file://host/x", "file:x"])
def test_a_uri_of_another_kind_is_refused_with_the_two_that_work(uri: str):
    with pytest.raises(StorageError, match="s3://bucket/prefix or file:///absolute/folder") as caught:
        open_store(uri)
    assert caught.value.reason == StorageReason.INVALID_URI


def test_upload_and_download_keep_names_and_bytes(tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "model.json").write_bytes(b"{}")
    (source / "deep" / "weights").write_bytes(bytes(3 << 20))
    store = open_store((tmp_path / "store").as_uri())
    storage.upload(source, store)
    storage.download(store, target)
    assert (target / "model.json").read_bytes() == b"{}"
    assert (target / "deep" / "weights").read_bytes() == bytes(3 << 20)


def test_downloading_nothing_is_an_error(tmp_path: Path):
    with pytest.raises(StorageError, match="no object below"):
        storage.download(open_store(tmp_path.as_uri()), tmp_path / "target")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(storage, "ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_an_object_store_that_is_down_is_unreachable(s3: pytest.MonkeyPatch):
    s3.setenv("AWS_ACCESS_KEY_ID", "key")
    s3.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    with pytest.raises(StorageError, match="s3://bucket/models") as caught:
        open_store("s3://bucket/models").names()
    assert caught.value.reason == StorageReason.UNREACHABLE
    assert "very-secret" not in str(caught.value)


def test_missing_credentials_are_named_by_their_variables(s3: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        s3.delenv(name, raising=False)
    s3.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    s3.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StorageError, match="AWS_ACCESS_KEY_ID") as caught:
        open_store("s3://bucket/models").names()
    assert caught.value.reason == StorageReason.ACCESS_DENIED
