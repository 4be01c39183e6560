"""Every manifest of the examples and of every page is taken by the real API server, field by field."""

import re
from collections.abc import Iterator
from typing import Any

import helm_python as helm
import pytest
import yaml

from own_cluster import Cluster
from releases import CHART, ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "charts").rglob("*.md"))]
NEEDED = {"Namespace", "ServiceAccount", "TrainingJob", "Model", "ServingDeployment", "Team"}
"""Kinds that a newcomer must find an example of."""
ELSEWHERE = ("argoproj.io/", "kustomize.toolkit.fluxcd.io/", "kustomize.config.k8s.io/")
"""API groups of tools that are not in the lab, as the pages on them have them."""


def _manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every manifest with its place."""
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield f"{path.relative_to(ROOT)}: {document['kind']}", document
    for place, document in _blocks():
        if "kind" in document and not document["apiVersion"].startswith(ELSEWHERE):
            yield f"{place}: {document['kind']}", document


def _blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every block marked yaml on a page."""
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"^```ya?ml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            for document in yaml.safe_load_all(match[1]):
                yield f"{page.relative_to(ROOT)}:{line}", document


MANIFESTS = list(_manifests())
VALUES = [(place, document) for place, document in _blocks() if "kind" not in document]


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
