"""Selections: what they cover, and what is kept of an object."""

import pytest

from shipway.kube.resource import POD, Object
from shipway.runtime.reduce import LAST_APPLIED
from shipway.runtime.source import Source, selects

LABELS = {"app": "shipway", "kind": "Model", "tier": "a"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("app=shipway", True),
        ("app==shipway", True),
        ("app=other", False),
        ("app=shipway,kind=Model", True),
        ("app=shipway,kind=Incident", False),
        ("app!=other", True),
        ("missing!=other", True),
        ("app!=shipway", False),
        ("kind in (Model, Incident)", True),
        ("kind in (Incident),app=shipway", False),
        ("kind notin (Incident)", True),
        ("missing notin (x)", True),
        ("kind notin (Model,Incident)", False),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app,kind", False),
    ],
)
def test_a_selector_selects_as_the_server_does(selector: str, selected: bool) -> None:
    assert selects(selector, LABELS) is selected


def pod(namespace: str = "ns") -> Object:
    meta = {
        "namespace": namespace,
        "name": "p",
        "labels": LABELS,
        "managedFields": [{"manager": "kubelet"}],
        "annotations": {LAST_APPLIED: "{}", "keep": "me"},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": []}, "status": {"phase": "x"}}


def test_a_source_covers_its_namespace_and_its_selection_only() -> None:
    source = Source(POD, "ns", "app=shipway")

    assert source.covers(pod())
    assert not source.covers(pod("elsewhere"))
    assert not Source(POD, None, "app=other").covers(pod("elsewhere"))


def test_what_is_large_and_unread_is_not_kept_and_the_original_stays_whole() -> None:
    original = pod()
    kept = Source(POD, trim=lambda obj: {"status": obj["status"]}).reduce(original)

    assert kept == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "ns", "name": "p", "labels": LABELS, "annotations": {"keep": "me"}},
        "status": {"phase": "x"},
    }
    assert original == pod()
