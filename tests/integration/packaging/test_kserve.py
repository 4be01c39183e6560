"""What the chart adds where KServe is installed, against KServe's own CRDs from the sources the lab builds."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from own_cluster import Cluster
from releases import ROOT, assert_nothing_is_left, install, uninstall


def kserve_crds() -> list[Path]:
    """KServe's CRDs, in the Go module the lab builds its manager from."""
    command = ["go", "list", "-m", "-f", "{{.Dir}}", "github.com/kserve/kserve"]
    folder = subprocess.run(command, cwd=ROOT / "lab/go/kserve", capture_output=True, text=True, check=True).stdout
    full = Path(folder.strip()) / "config/crd/full"
    return [
        full / "serving.kserve.io_clusterservingruntimes.yaml",
        *(full / "clusterstoragecontainer").glob("serving*"),
    ]


@pytest.fixture(scope="module")
def with_kserve(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with KServe's CRDs."""
    files = [argument for path in kserve_crds() for argument in ("-f", str(path))]
    cluster.kubectl("apply", "--server-side", *files)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=20s", *files)
    yield cluster
    cluster.kubectl("delete", "--timeout=30s", *files)


BOTH = "clusterservingruntimes,clusterstoragecontainers"


def test_the_runtime_comes_with_the_chart_and_stays_for_models_that_run(with_kserve: Cluster) -> None:
    install(with_kserve, {"crds": {"keep": False}})
    runtime = with_kserve.get("clusterservingruntime", "shipway-ranker")["spec"]
    storage = with_kserve.get("clusterstoragecontainer", "shipway")["spec"]
    assert runtime["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert storage["container"]["command"][:2] == ["python", "-m"]

    uninstall(with_kserve)
    assert sorted(with_kserve.names(BOTH)) == ["shipway", "shipway-ranker"], "KServe needs them to replace a pod"

    install(with_kserve, {"crds": {"keep": False}, "kserve": {"keep": False}})
    uninstall(with_kserve)
    assert with_kserve.names(BOTH) == []
    assert_nothing_is_left(with_kserve)
