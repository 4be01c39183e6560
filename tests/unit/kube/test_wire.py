"""What is decoded of lists and watches: everything but managedFields, or nothing but a shape."""

from typing import Any, TypedDict

import msgspec
import pytest

from shipway.controllers.pod import trim_pod
from shipway.controllers.pod_shape import PodShape
from shipway.kube import wire
from shipway.kube.shapes import Identity, Metadata

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "p",
        "namespace": "a",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"app": "x"},
        "annotations": {"note": "kept"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": None,
        "finalizers": ["f"],
        "ownerReferences": [{"uid": "o", "controller": True}],
    },
    "spec": {"nodeName": "n", "containers": [{"name": "main", "image": "i", "env": [{"name": "A", "value": "1"}]}]},
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "containerStatuses": [
            {"name": "main", "ready": True, "restartCount": 1, "state": {"running": {}}, "image": "i"}
        ],
    },
    "extension": {"of": ["another", "time"]},
}
MANAGED = {
    **POD,
    "metadata": {**POD["metadata"], "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:spec": {}}}]},
}


class Name(TypedDict, total=False):
    metadata: Metadata


def listed(*items: dict[str, Any] | None, **meta: str) -> bytes:
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": None if None in items else list(items)}
    return msgspec.json.encode(body)


def line(type_: str, obj: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": type_, "object": obj})


def test_a_list_brings_all_of_an_object_but_what_only_other_tools_read():
    items, meta = wire.whole_list(listed(MANAGED, POD, resourceVersion="9"))
    assert items == [POD, POD]
    assert meta.version == "9"


def test_with_a_shape_nothing_else_is_decoded():
    (only,), _ = wire.whole_list(listed(MANAGED), Name)
    assert only == {"metadata": POD["metadata"]}


def test_an_identity_is_what_a_version_is_known_by():
    (only,), _ = wire.whole_list(listed(MANAGED), Identity)
    assert only == {"metadata": {"name": "p", "namespace": "a", "uid": "u", "resourceVersion": "7"}}


@pytest.mark.parametrize("shape", [None, Name])
def test_a_list_of_nothing_may_say_null(shape: type | None):
    assert wire.whole_list(listed(None, resourceVersion="9"), shape)[0] == []


@pytest.mark.parametrize("type_", ["ADDED", "MODIFIED", "DELETED"])
def test_a_watch_brings_what_a_list_does(type_: str):
    assert wire.event(line(type_, MANAGED)) == (type_, POD)
    assert wire.event(line(type_, MANAGED), Name) == (type_, {"metadata": POD["metadata"]})


def test_an_error_of_a_watch_is_whole_whatever_the_shape():
    status = {"kind": "Status", "metadata": {}, "code": 410, "reason": "Expired", "message": "too old"}
    assert wire.event(line("ERROR", status), Name) == ("ERROR", status)


def test_the_shape_of_a_pod_has_all_that_is_kept_of_it():
    (shaped,), _ = wire.whole_list(listed(MANAGED), PodShape)
    assert trim_pod(shaped) == trim_pod(POD)


def test_what_is_no_json_is_text():
    assert wire.decoded(b"rate limited") == "rate limited"
    assert wire.decoded(b'{"kind":"Status"}') == {"kind": "Status"}


def test_a_bookmark_of_pods_has_nulls_where_a_pod_has_lists():
    bookmark = {"metadata": {"resourceVersion": "9"}, "spec": {"containers": None}, "status": {"conditions": None}}
    type_, obj = wire.event(line("BOOKMARK", bookmark), PodShape)
    assert (type_, obj["metadata"]["resourceVersion"]) == ("BOOKMARK", "9")


def test_what_has_another_shape_than_expected_comes_whole():
    odd = {**POD, "status": {"conditions": "none"}}
    assert wire.event(line("ADDED", odd), PodShape) == ("ADDED", odd)
    assert wire.whole_list(listed(POD, odd), PodShape)[0] == [POD, odd]
