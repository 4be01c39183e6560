"""A control plane without a node: what it does, and what it refuses."""

import os
import signal
from pathlib import Path

from .conftest import LabUnderTest, eventually


def test_a_control_plane_without_a_node_is_a_whole_one(plain_lab: LabUnderTest) -> None:
    status = plain_lab.status()
    assert status["ready"]
    assert set(status["parts"]) == {"forwarder", "etcd", "apiserver", "kcm", "scheduler"}
    assert '"gitVersion": "v1.36.3"' in plain_lab.kubectl("version", "-o", "json")
    plain_lab.kubectl("create", "namespace", "mine")
    plain_lab.kubectl("-n", "mine", "create", "configmap", "c")
    writes = Path(status["audit_log"]).read_text()
    assert '"verb":"create"' in writes
    assert '"resource":"configmaps","namespace":"mine","name":"c"' in writes
    # The namespace controller is at work: an API server alone would keep it for ever.
    plain_lab.kubectl("delete", "namespace", "mine", "--timeout=20s")


def test_a_second_up_changes_nothing(plain_lab: LabUnderTest) -> None:
    before = plain_lab.kept
    plain_lab.up("--no-node")
    assert plain_lab.kept == before


def test_other_parts_than_those_that_run_are_refused(plain_lab: LabUnderTest) -> None:
    refused = plain_lab.call("up", "--no-node", "--with", "s3", check=False)
    assert refused.returncode == 1
    assert "is up with other parts" in refused.stderr


def test_a_second_lab_takes_other_ports(plain_lab: LabUnderTest, lab: LabUnderTest) -> None:
    lab.up("--no-node")
    assert lab.status()["api"] != plain_lab.status()["api"]
    assert set(lab.kept["cgroups"]).isdisjoint(plain_lab.kept["cgroups"])


def test_a_part_that_dies_is_started_again_and_counted(plain_lab: LabUnderTest) -> None:
    plain_lab.kubectl("create", "namespace", "kept")
    for pid in plain_lab.processes("apiserver"):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: plain_lab.status()["parts"]["apiserver"]["restarts"] == 1, plain_lab.status)
    eventually(lambda: "kept" in plain_lab.kubectl("get", "namespaces", check=False), plain_lab.status)


def test_an_existing_cluster_is_told_what_it_lacks(plain_lab: LabUnderTest) -> None:
    kubeconfig = str(plain_lab.state / "kubeconfig")
    told = plain_lab.call("up", "--provider", "existing", "--kubeconfig", kubeconfig, check=False)
    assert told.returncode == 1
    assert "ok      Kubernetes: v1.36.3 at https://127.0.0.1:" in told.stdout
    assert "lacks   Gateway API: not served: gatewayclasses.v1.gateway.networking.k8s.io" in told.stdout
    assert "lacks   KServe: not served" in told.stdout


def test_an_existing_cluster_that_does_not_answer_is_named(plain_lab: LabUnderTest, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    port = plain_lab.status()["api"].rsplit(":", 1)[1]
    kubeconfig.write_text((plain_lab.state / "kubeconfig").read_text().replace(f":{port}", ":1"))
    told = plain_lab.call("up", "--provider", "existing", "--kubeconfig", str(kubeconfig), check=False)
    assert told.returncode == 1
    assert "error: no answer from https://127.0.0.1:1" in told.stderr
