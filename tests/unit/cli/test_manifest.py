"""A version is printed for another namespace only if it may serve, and with nothing that belongs to this one."""

from typing import Any

import pytest
import yaml

from manifests import minimal
from shipway.cli.connection import CliError
from shipway.cli.manifest import PROMOTED_FROM, document, elsewhere, placed, stable_of


def version(**more: Any) -> dict[str, Any]:
    body = minimal("ModelVersion", source={"uri": "s3://models/ranker/v1", "secretName": "staging-store"})
    body["metadata"] |= {"namespace": "staging", "uid": "u1", "resourceVersion": "7", "ownerReferences": [{"uid": "x"}]}
    return body | more


def told(kind: str, status: str, message: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": kind, "message": message}]}


def sdep(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "ranker", "namespace": "staging"}, "spec": {"model": "ranker"}, "status": status}


def test_the_same_bytes_go_on_and_nothing_of_this_namespace_does():
    body = placed(elsewhere(version(), secret=None), "prod")
    assert body["spec"] == version()["spec"]
    assert body["metadata"] == {
        "name": "ranker-v1",
        "namespace": "prod",
        "annotations": {PROMOTED_FROM: "staging/ranker-v1/u1"},
    }
    assert set(body) == {"apiVersion", "kind", "metadata", "spec"}


@pytest.mark.parametrize(("secret", "found"), [(None, "staging-store"), ("prod-store", "prod-store"), ("", None)])
def test_the_secret_is_that_of_the_other_side(secret: str | None, found: str | None):
    assert elsewhere(version(), secret=secret)["spec"]["source"].get("secretName") == found


@pytest.mark.parametrize(
    "status", [told("DigestVerified", "False", "bytes differ"), told("Quarantined", "True", "7 errors in 31 answers")]
)
def test_a_version_that_may_not_serve_does_not_go_on_and_the_reason_is_told(status: dict[str, Any]):
    with pytest.raises(CliError, match=status["conditions"][0]["message"]):
        elsewhere(version(status=status), secret=None)


def test_the_stable_version_is_meant_once_its_bake_is_over():
    stable = {"version": "v3"}
    assert stable_of(sdep(stable=stable, rollout={"state": "Completed"})) == "v3"
    with pytest.raises(CliError, match="the bake of v3"):
        stable_of(sdep(stable=stable, rollout={"state": "Baking"}))
    with pytest.raises(CliError, match="no stable version yet"):
        stable_of(sdep())


def test_what_is_printed_is_yaml_with_the_comment_above():
    text = document([{"kind": "A"}, {"kind": "B"}], "two\nlines")
    assert text.startswith("# two\n# lines\n")
    assert list(yaml.safe_load_all(text)) == [{"kind": "A"}, {"kind": "B"}]
