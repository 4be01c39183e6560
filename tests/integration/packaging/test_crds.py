"""The CRDs on the real API server."""

import json
from typing import Any

import pytest

from manifests import minimal
from own_cluster import Cluster, eventually
from shipway.api.schema import Kind
from shipway.api.v1alpha1 import KINDS
from shipway.crdgen.crd import NEW_STATUS

IDS = [kind.kind for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_a_kind_is_served_and_explains_itself(installed_crds: Cluster, kind: Kind) -> None:
    path = f"{kind.plural}.spec"
    eventually("the schema is published", lambda: installed_crds.succeeds("explain", path))
    explained = installed_crds.kubectl("explain", path)

    assert kind.doc.split()[0] in explained
    for name in kind.spec.model_json_schema(by_alias=True)["properties"]:
        assert name in explained


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_the_smallest_object_is_admitted_and_not_taken_for_ready(installed_crds: Cluster, kind: Kind) -> None:
    obj = minimal(kind.kind)
    installed_crds.kubectl("create", "-n", "default", "-f", "-", stdin=json.dumps(obj))
    stored = installed_crds.get(kind.plural, obj["metadata"]["name"], "-n", "default")
    installed_crds.kubectl("delete", kind.plural, obj["metadata"]["name"], "-n", "default")

    assert stored["status"] == NEW_STATUS


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_the_api_server_fills_in_what_python_would(installed_crds: Cluster, kind: Kind) -> None:
    obj = minimal(kind.kind)
    written = installed_crds.kubectl(
        "create", "-n", "default", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(obj)
    )

    assert kind.spec.model_validate(json.loads(written)["spec"]) == kind.spec.model_validate(obj["spec"])


def test_a_status_is_stored_exactly_as_it_was_written(installed_crds: Cluster) -> None:
    status: dict[str, Any] = {
        "observedGeneration": 1,
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "PodsPending",
                "message": "pod 0 waits for a node",
                "lastTransitionTime": "2026-11-24T10:00:00Z",
                "observedGeneration": 1,
            }
        ],
        "attempt": 1,
        "attempts": [{"attempt": 1, "startedAt": "2026-11-24T10:00:00Z"}],
    }
    installed_crds.kubectl("create", "-n", "default", "-f", "-", stdin=json.dumps(minimal("TrainingJob")))
    patch = json.dumps({"status": status})
    installed_crds.kubectl(
        "patch", "tj", "ranker-v1", "-n", "default", "--subresource=status", "--type=merge", "-p", patch
    )
    stored = installed_crds.get("tj", "ranker-v1", "-n", "default")
    row = installed_crds.kubectl("get", "tj", "-n", "default", "--no-headers")
    installed_crds.kubectl("delete", "tj", "ranker-v1", "-n", "default")

    assert stored["status"] == status
    assert "PodsPending" in row


def test_all_kinds_are_listed_by_one_word(installed_crds: Cluster) -> None:
    listed = installed_crds.kubectl("api-resources", "--categories=shipway", "-o", "name").split()

    assert sorted(listed) == sorted(f"{kind.plural}.shipway.dev" for kind in KINDS)


def test_objects_are_selected_by_field(installed_crds: Cluster) -> None:
    for version in ("v1", "v2"):
        obj = minimal("ModelVersion", name=f"ranker-{version}", version=version)
        installed_crds.kubectl("create", "-n", "default", "-f", "-", stdin=json.dumps(obj))
    found = installed_crds.names("mv", "-n", "default", "--field-selector=spec.version=v2")
    installed_crds.kubectl("delete", "mv", "--all", "-n", "default")

    assert found == ["ranker-v2"]
