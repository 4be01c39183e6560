"""What `shipway manifest` prints is taken by the API server of another namespace as it stands, and again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from manifests import minimal
from own_cluster import Cluster

SERVES = {
    "stable": {
        "version": "v1",
        "digest": minimal("ModelVersion")["spec"]["digest"],
        "inferenceService": "ranker-v1",
        "predictorHash": "0a1b2c3d",
    }
}


def serving(cluster: Cluster, team: str) -> None:
    """A model whose version v1 serves."""
    for kind in ("Model", "ModelVersion", "ServingDeployment"):
        cluster.kubectl("create", "-n", team, "-f", "-", stdin=json.dumps(minimal(kind)))
    status = json.dumps({"status": SERVES})
    cluster.kubectl("patch", "sdep", "ranker", "-n", team, "--subresource=status", "--type=merge", "-p", status)


def printed(cluster: Cluster, *arguments: str) -> str:
    """What the command prints."""
    command = [str(Path(sys.executable).with_name("shipway")), "manifest", "ranker", *arguments]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=30).stdout


def test_a_version_goes_to_another_namespace_and_again(installed_crds: Cluster, team: str, module_team: str) -> None:
    serving(installed_crds, team)
    text = printed(installed_crds, "-n", team, "--to", module_team, "--secret", "store")
    for _ in range(2):
        installed_crds.kubectl("apply", "-f", "-", stdin=text)
    there = installed_crds.get("modelversion", "ranker-v1", "-n", module_team)["spec"]
    here = installed_crds.get("modelversion", "ranker-v1", "-n", team)["spec"]
    assert there.pop("source") == {"uri": here["source"]["uri"], "secretName": "store"}
    assert there == {key: value for key, value in here.items() if key != "source"}


def test_the_first_time_all_of_it_goes(installed_crds: Cluster, team: str) -> None:
    serving(installed_crds, team)
    text = printed(installed_crds, "-n", team, "--to", "default", "--all")
    assert [body["kind"] for body in yaml.safe_load_all(text)] == ["Model", "ModelVersion", "ServingDeployment"]
    installed_crds.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
