"""The command line refuses what cannot work with a sentence that says what would."""

import argparse
import os
from pathlib import Path

import pytest
import yaml

from shipway_lab import cgroups, cli, prerequisites, status
from shipway_lab.errors import LabError, MissingPrerequisiteError
from shipway_lab.paths import LabPaths
from shipway_lab.spec import LabSpec


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    return parser.parse_args(["lab", *words])


def test_the_whole_command_line_hangs_below_one_command() -> None:
    assert parsed("up", "--with", "contour,s3", "--api-port", "7", "--gateway-port", "8").api_port == 7
    assert parsed("status", "-o", "json", "--name", "x").output == "json"
    assert parsed("shell", "--", "ls", "-l").words[-2:] == ["ls", "-l"]
    assert parsed("up").nodes == 1
    assert parsed("up", "--nodes", "2").nodes == 2
    assert parsed("up", "--no-node").nodes == 0
    assert (parsed("node", "stop", "node2").verb, parsed("node", "stop", "node2").node) == ("stop", "node2")
    for command in ("build", "up", "status", "shell", "logs", "down"):
        assert callable(parsed(command).run)


@pytest.mark.parametrize("name", ["", "Default", "a/b", "..", "-a", "a-", "x" * 33])
def test_a_bad_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(LabError, match="1 to 32 characters a-z, 0-9 and '-'"):
        LabPaths.of(name)


def test_without_root_and_tools_all_that_is_missing_is_listed_with_the_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(MissingPrerequisiteError) as caught:
        prerequisites.check()
    message = str(caught.value)
    for missing in ("root", "Go 1.26", "unshare", "apt-get", "uv"):
        assert f"- {missing}" in message
    assert "--provider existing" in message
    assert "kind-config.yaml" in message


def test_a_host_with_cgroup_version_2_alone_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [cgroups.Hierarchy("", Path("/sys/fs/cgroup"))])
    with pytest.raises(MissingPrerequisiteError, match="cgroup version 1 hierarchies for blkio, cpu"):
        prerequisites.check()


def test_a_kubeconfig_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kubeconfig"
    assert cli.main(["up", "--provider", "existing", "--kubeconfig", str(file)]) == 1
    assert f"error: --kubeconfig {file}" in capsys.readouterr().err


def test_commands_on_a_lab_that_is_not_up_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIPWAY_LAB_HOME", str(tmp_path))
    for command in (["status"], ["shell"], ["node", "stop", "node2"]):
        assert cli.main([*command, "--name", "nobody"]) == 1
        assert "lab nobody is not up" in capsys.readouterr().err
    assert cli.main(["down", "--name", "nobody"]) == 0
    assert cli.main(["logs", "--name", "nobody", "etcd"]) == 1


def test_a_spec_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    spec = LabSpec(
        name="x",
        parts=("etcd", "apiserver"),
        ports={"api": 1},
        artifacts={"hk": "/cache/hk"},
        sources={"operator": "/checkout/operator"},
        python_prefix="/usr",
        keep_visible=("/checkout",),
        fake_nodes=2,
    )
    spec.save(tmp_path / "spec.json")
    assert LabSpec.load(tmp_path / "spec.json") == spec
    assert LabSpec.load(tmp_path / "none.json") is None


def test_the_readable_status_shows_no_key_and_every_part() -> None:
    found = {
        "name": "x",
        "ready": False,
        "error": "",
        "kubeconfig": "/state/kubeconfig",
        "api": "https://127.0.0.1:1",
        "gateway": None,
        "s3": {"endpoint": "http://s3", "host_endpoint": "http://127.0.0.1:2", "secret_key": "hush"},
        "logs": "/state/log",
        "parts": {
            "etcd": {"state": "Ready", "seconds": 0.3, "restarts": 2, "pss_mib": 40.0},
            "kcm": {"state": "Waiting", "pss_mib": 0.0},
        },
        "other_pss_mib": {"pods": 7.5},
        "pss_mib": 47.5,
        "nodes": {"node2": {"state": "Paused", "ip": "198.51.100.3", "pss_mib": 93.2}},
    }
    text = status.describe(found)
    assert text.startswith("lab x: starting")
    assert "hush" not in text
    assert ["etcd", "Ready", "0.3", "s", "2", "40.0"] in [line.split() for line in text.splitlines()]
    assert ["kcm", "Waiting", "-", "0", "0.0"] in [line.split() for line in text.splitlines()]
    assert ["node2", "Paused", "198.51.100.3", "93.2"] in [line.split() for line in text.splitlines()]
    assert ["total", "47.5"] in [line.split() for line in text.splitlines()]


def test_the_configuration_for_kind_is_one_kind_reads() -> None:
    config = yaml.safe_load((Path(__file__).parents[3] / "kind-config.yaml").read_text())
    assert config["kind"] == "Cluster"
    assert config["apiVersion"] == "kind.x-k8s.io/v1alpha4"
    assert [node["role"] for node in config["nodes"]] == ["control-plane"]
