"""Every manifest of the examples and of every page is taken by the real API server, field by field."""

from collections.abc import Iterator
from typing import Any

import helm_python as helm
import pytest
import yaml

import pages
from own_cluster import Cluster
from releases import CHART

NEEDED = {"Namespace", "ServiceAccount", "TrainingJob", "Model", "ServingDeployment", "Team"}
"""Kinds that a newcomer must find an example of."""
MANIFESTS = list(pages.manifests())
VALUES = [
    (block.place, document) for block in pages.yaml_blocks() for document in block.documents if "kind" not in document
]


@pytest.fixture(scope="module")
def with_namespaces(installed_crds: Cluster) -> Iterator[Cluster]:
    """The cluster with the namespaces the examples name: a dry run makes none."""
    names = {document["metadata"].get("namespace") for _, document in MANIFESTS}
    names |= {document["metadata"]["name"] for _, document in MANIFESTS if document["kind"] == "Namespace"}
    made = sorted(names - {None, "default"} - set(installed_crds.names("namespaces")))
    for name in made:
        installed_crds.kubectl("create", "namespace", name)
    yield installed_crds
    for name in made:
        installed_crds.kubectl("delete", "namespace", name, "--wait=false")


def test_there_is_an_example_of_everything_a_newcomer_writes() -> None:
    assert {document["kind"] for _, document in MANIFESTS} >= NEEDED


@pytest.mark.parametrize(("place", "document"), MANIFESTS, ids=[place for place, _ in MANIFESTS])
def test_an_example_is_taken_as_it_stands(with_namespaces: Cluster, place: str, document: dict[str, Any]) -> None:
    with_namespaces.kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(document)
    )


@pytest.mark.parametrize(("place", "values"), VALUES, ids=[place for place, _ in VALUES])
def test_values_on_a_page_are_values_of_the_chart(place: str, values: dict[str, Any]) -> None:
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values)
