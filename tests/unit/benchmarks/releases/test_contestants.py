"""Both are given the same predictor and ask for what their projects define."""

import pytest

from benchmarks.releases.argo import pod_template, query
from benchmarks.releases.ours import UNRELIABLE, runtime_of
from benchmarks.releases.scenarios import AT_TEN, DEFAULT, Plan
from benchmarks.releases.settings import SETTINGS
from benchmarks.releases.stage import COMMAND
from benchmarks.releases.versions import Version
from shipway.api.v1alpha1.rollout import Rollout
from shipway.controllers.servingdeployment.steps import stages_of

VERSION = Version("v2", "s3://models/x/v2", "sha256:" + "a" * 64)


@pytest.mark.parametrize("plan", [DEFAULT, AT_TEN])
def test_a_plan_means_the_same_to_both(plan: Plan) -> None:
    ours = stages_of(Rollout.model_validate(plan.ours()).steps)
    argo = plan.argo()
    weights = [step["setWeight"] for step in argo if "setWeight" in step]
    waits = [step["pause"]["duration"] for step in argo if "pause" in step]
    assert weights == [stage.weight for stage in ours]
    assert waits[:-1] == [f"{stage.seconds}s" for stage in ours[:-1]]


def test_a_mirror_comes_before_the_first_weight() -> None:
    plan = Plan(((10, 60),), bake_seconds=1, mirror_seconds=30)
    first, second, *_ = stages_of(Rollout.model_validate(plan.ours()).steps)
    assert (first.mirror, first.seconds, second.weight) == (True, 30, 10)


def test_the_default_plan_leaves_time_to_start_within_ten_minutes() -> None:
    assert sum(seconds for _, seconds in DEFAULT.steps) + DEFAULT.bake_seconds <= 9.5 * 60


def test_a_query_is_the_share_of_errors_of_the_canary_alone() -> None:
    ours = 'namespace="ns",rollouts_pod_template_hash="{{args.hash}}"'
    counter = "shipway_predictor_requests_total"
    assert query(SETTINGS["raw"], "ns") == f'sum({counter}{{{ours},result="error"}}) / sum({counter}{{{ours}}})'
    assert query(SETTINGS["s30"], "ns").endswith(f" / sum(rate({counter}{{{ours}}}[30s]))")
    assert 'envoy_cluster_name=~"ns_canary_.*"' in query(SETTINGS["env"], "ns")


def test_the_same_program_runs_for_both() -> None:
    built_in = {
        "spec": {
            "supportedModelFormats": [{"name": "shipway-ranker", "autoSelect": True, "priority": 1}],
            "containers": [{"name": "kserve-container", "command": ["python"], "volumeMounts": []}],
            "volumes": [],
        }
    }
    runtime = runtime_of(built_in, name=UNRELIABLE, command=COMMAND)["spec"]
    pod = pod_template(VERSION, scrape_seconds=5)
    assert runtime["containers"][0]["command"] == pod["spec"]["containers"][0]["command"] == COMMAND
    assert runtime["volumes"][0] in pod["spec"]["volumes"]
    assert pod["metadata"]["annotations"]["prometheus.io/interval"] == "5s"
    assert "autoSelect" not in runtime["supportedModelFormats"][0], "nobody else's models may get it"
    assert built_in["spec"]["volumes"] == []
