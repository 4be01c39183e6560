"""Two nodes, two labs: pods of both nodes meet, a node may fail, and a lab beside it changes nothing."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LabUnderTest, eventually, pod, remains

OPERATOR = "ghcr.io/shipway-ml/operator:0.1.0"
SERVE = """
import http.server, os
class Caller(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{os.environ['HOSTNAME']} {self.client_address[0]}".encode())
http.server.ThreadingHTTPServer(('', 8080), Caller).serve_forever()
"""
ASK = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=3).read().decode())"
READY = "jsonpath={.items[*].endpoints[*].conditions.ready}"
NODES = ("node1", "node2")


def server(node: str) -> dict[str, object]:
    """A pod called as the node it is bound to, which says its name and whom it sees calling."""
    place = {"nodeSelector": {"kubernetes.io/hostname": node}, "restartPolicy": "Always"}
    made = pod(node, OPERATOR, ["python", "-c", SERVE], namespace="default", **place)
    made["metadata"]["labels"] = {"app": "server", "on": node}
    made["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1}
    return made


def service(name: str, **selector: str) -> dict[str, object]:
    spec = {"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def populate(lab: LabUnderTest) -> None:
    """A server on each node, a service for each, and one for both."""
    eventually(
        lambda: bool(lab.kubectl("get", "serviceaccount", "default", "--ignore-not-found")), lambda: "no account"
    )
    lab.apply(*map(server, NODES), *(service(f"at-{node}", on=node) for node in NODES), service("any", app="server"))
    lab.kubectl("wait", "pod", "-l", "app=server", "--for=condition=Ready", "--timeout=60s")


def address(lab: LabUnderTest, node: str) -> str:
    return lab.kubectl("get", "pod", node, "-o", "jsonpath={.status.podIP}")


def once(lab: LabUnderTest, node: str, host: str) -> str:
    """What a server answers to the pod of a node, or why it does not."""
    return lab.kubectl("exec", node, "--", "python", "-c", ASK, f"http://{host}", check=False).strip()


def ask(lab: LabUnderTest, node: str, host: str) -> str:
    """What a server answers as soon as it answers: nodes learn about endpoints a moment after they are ready."""
    answers: list[str] = []

    def answered() -> bool:
        answers.append(once(lab, node, host))
        return answers[-1].startswith(NODES)

    eventually(answered, lambda: answers[-1], seconds=30)
    return answers[-1]


def ready(lab: LabUnderTest, node: str) -> bool:
    found = json.loads(lab.kubectl("get", "node", node, "-o", "json"))["status"]["conditions"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found)


def restarts(lab: LabUnderTest) -> dict[str, int]:
    listed = json.loads(lab.kubectl("get", "pods", "-o", "json"))["items"]
    return {each["metadata"]["name"]: each["status"]["containerStatuses"][0]["restartCount"] for each in listed}


@pytest.fixture(scope="module")
def two(able: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    made = LabUnderTest("two", tmp_path_factory.mktemp("home"))
    made.up("--nodes", "2")
    try:
        populate(made)
        yield made
    finally:
        made.down()


def test_both_nodes_are_ready_and_own_the_addresses_of_their_pods(two: LabUnderTest) -> None:
    assert all(ready(two, node) for node in NODES)
    ranges = two.kubectl("get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}").split()
    for node, pods in zip(NODES, ranges, strict=True):
        assert address(two, node).startswith(pods.removesuffix("0/24"))


@pytest.mark.parametrize(("here", "there"), [NODES, NODES[::-1]])
def test_pods_of_both_nodes_reach_each_other_by_address_and_by_service(
    two: LabUnderTest, here: str, there: str
) -> None:
    seen = f"{there} {address(two, here)}"
    assert ask(two, here, f"{address(two, there)}:8080") == seen
    assert ask(two, here, f"at-{there}.default.svc.cluster.local") == seen
    assert ask(two, here, "any").split()[0] in NODES


def test_status_logs_and_shell_know_both_nodes(two: LabUnderTest) -> None:
    status = two.status()
    assert {name: node["state"] for name, node in status["nodes"].items()} == dict.fromkeys(NODES, "Running")
    assert all(node["pss_mib"] > 30 for node in status["nodes"].values()), status["nodes"]
    assert status["other_pss_mib"]["node2-pods"] > 5
    assert two.call("logs", "node2-kubelet").stdout
    inside = two.call("shell", "--node", "node2", "--", "ip", "-brief", "address").stdout
    assert status["nodes"]["node2"]["ip"] in inside
    assert "cni0" in inside


def test_a_second_lab_of_two_nodes_changes_nothing_in_the_first(two: LabUnderTest, lab: LabUnderTest) -> None:
    before = restarts(two)
    lab.up("--nodes", "2")
    port, cgroups = int(lab.status()["api"].rsplit(":", 1)[1]), lab.kept["cgroups"]
    assert set(cgroups).isdisjoint(two.kept["cgroups"])
    populate(lab)
    # The same addresses in both, and each is answered at home.
    assert [address(lab, node) for node in NODES] == [address(two, node) for node in NODES]
    mark = "open('/tmp/mark', 'w').write('x')"
    lab.kubectl("exec", "node2", "--", "python", "-c", mark)
    assert "No such file" in two.kubectl("exec", "node2", "--", "cat", "/tmp/mark", check=False)
    lab.down()
    assert remains(lab, cgroups, port) == []
    assert ask(two, "node1", "at-node2").split()[0] == "node2"
    assert restarts(two) == before


def test_a_node_without_power_is_missed_and_comes_back_with_its_pods(two: LabUnderTest) -> None:
    two.call("node", "stop", "node2")
    assert two.status()["nodes"]["node2"] == {"state": "Stopped", "ip": "198.51.100.3", "pss_mib": 0.0}
    eventually(lambda: not ready(two, "node2"), lambda: two.kubectl("describe", "node", "node2"), seconds=60)
    assert ready(two, "node1")
    assert two.status()["ready"]
    named = two.kubectl("get", "endpointslices", "-l", "kubernetes.io/service-name=at-node2", "-o", READY)
    assert named == "false", "the service still names the lost pod"
    assert "is stopped" in two.call("node", "pause", "node2", check=False).stderr
    two.call("node", "start", "node2")
    eventually(
        lambda: restarts(two)["node2"] == 1 and once(two, "node1", "at-node2").startswith("node2 "),
        lambda: two.kubectl("describe", "pod", "node2"),
        seconds=60,
    )
    assert restarts(two)["node1"] == 0


@pytest.mark.parametrize(("here", "there"), [NODES, NODES[::-1]])
def test_a_node_that_hangs_answers_again_when_it_goes_on(two: LabUnderTest, here: str, there: str) -> None:
    before = restarts(two)
    two.call("node", "pause", there)
    assert "timed out" in once(two, here, f"{address(two, there)}:8080")
    two.call("node", "resume", there)
    assert ask(two, here, f"{address(two, there)}:8080").startswith(f"{there} ")
    assert restarts(two) == before


def test_a_node_that_is_none_is_refused_with_those_there_are(two: LabUnderTest) -> None:
    for command in (("node", "stop", "node3"), ("shell", "--node", "node3", "--", "true")):
        assert "has no node 'node3'; it has node1, node2" in two.call(*command, check=False).stderr


def test_nothing_is_left_when_the_supervisor_is_killed_while_a_node_hangs(two: LabUnderTest) -> None:
    port, kept = int(two.status()["api"].rsplit(":", 1)[1]), two.kept
    two.call("node", "pause", "node2")
    first = Path(f"/proc/{kept['init']}/task/{kept['init']}/children").read_text().split()[0]
    os.kill(int(first), signal.SIGKILL)
    eventually(lambda: not remains(two, kept["cgroups"], port), lambda: remains(two, kept["cgroups"], port), seconds=60)
    links = subprocess.check_output(["ip", "-brief", "link"], text=True)
    assert not [word for word in ("node2", "cni0", "eth9") if word in links], links
