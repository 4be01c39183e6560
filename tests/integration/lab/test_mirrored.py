"""The gateway gives a request and its copy one id, by which their answers can be laid side by side."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from .conftest import LabUnderTest, eventually, pod, restricted_namespace

WORKLOADS = "ghcr.io/shipway-ml/workloads:0.1.0"
TELL_IDS = """
import http.server as h
class Server(h.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, self.headers["x-request-id"], flush=True)
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
h.ThreadingHTTPServer(("", 8080), Server).serve_forever()
"""


def _backend(name: str) -> list[dict[str, Any]]:
    made = pod(name, WORKLOADS, ["python", "-c", TELL_IDS], namespace="mirrored")
    made["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    metadata = {"name": name, "namespace": "mirrored"}
    return [made, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}]


def _route() -> dict[str, Any]:
    copy = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "new", "port": 80}}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "mirrored", "namespace": "mirrored"},
        "spec": {
            "parentRefs": [{"name": "shipway", "namespace": "projectcontour"}],
            "hostnames": ["mirrored.example.com"],
            "rules": [{"backendRefs": [{"name": "old", "port": 80}], "filters": [copy]}],
        },
    }


@pytest.fixture(scope="module")
def lab(full_lab: LabUnderTest) -> LabUnderTest:
    full_lab.apply(restricted_namespace("mirrored"))
    eventually(
        lambda: bool(full_lab.kubectl("-n", "mirrored", "get", "serviceaccount", "default", "--ignore-not-found")),
        lambda: "no service account",
    )
    full_lab.apply(*_backend("old"), *_backend("new"), _route())
    full_lab.kubectl("-n", "mirrored", "wait", "pod/old", "pod/new", "--for=condition=Ready", "--timeout=60s")
    eventually(lambda: _asked(full_lab, "/is-there"), lambda: json.dumps(_route()), seconds=30)
    eventually(lambda: "/is-there" in _ids(full_lab, "new"), lambda: "no copy came", seconds=10)
    return full_lab


def _asked(lab: LabUnderTest, path: str, **headers: str) -> bool:
    bears = {"Host": "mirrored.example.com"} | headers
    try:
        with urllib.request.urlopen(urllib.request.Request(lab.status()["gateway"] + path, headers=bears), timeout=2):
            return True
    except OSError as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        return False


def _ids(lab: LabUnderTest, name: str) -> dict[str, str]:
    words = [line.split() for line in lab.kubectl("-n", "mirrored", "logs", name).splitlines()]
    return {path: found for path, *(found,) in words}


def _both(lab: LabUnderTest, *paths: str) -> tuple[list[str], list[str]]:
    eventually(lambda: set(paths) <= _ids(lab, "new").keys(), lambda: _ids(lab, "new"), seconds=10)
    old, new = _ids(lab, "old"), _ids(lab, "new")
    return [old[path] for path in paths], [new[path] for path in paths]


def test_a_request_and_its_copy_have_one_id_and_no_other_request_has_it(lab: LabUnderTest) -> None:
    paths = [f"/own/{number}" for number in range(10)]
    assert all(_asked(lab, path) for path in paths)
    old, new = _both(lab, *paths)
    assert old == new
    assert len(set(old)) == len(paths)


def test_the_id_that_a_client_sends_is_kept_for_the_copy_too_and_may_come_again(lab: LabUnderTest) -> None:
    assert _asked(lab, "/first", **{"x-request-id": "of-the-client"})
    assert _asked(lab, "/again", **{"x-request-id": "of-the-client"})
    assert _both(lab, "/first", "/again") == (["of-the-client"] * 2, ["of-the-client"] * 2)
