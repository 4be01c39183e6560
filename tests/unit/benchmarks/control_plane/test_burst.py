"""What a burst leaves in the results can be read again, whether it was written today or before."""

import json
from dataclasses import replace
from pathlib import Path

from burst import Burst

RESULTS = Path(__file__).parents[4] / "benchmarks" / "results" / "control-plane.json"
BURST = Burst(
    subject="job",
    objects=2,
    create_s=0.1,
    pods_exist_s=0.2,
    pods_running_s=0.3,
    ready_s=0.4,
    p50_s=0.3,
    p99_s=0.4,
    cpu={"apiserver": 1.5, "kcm": 0.5, "driver": 7.0, "others": 9.0},
    peak_mib={"apiserver": 300},
    writes={"admin": {"create jobs": 1.0}},
)


def test_committed_results_are_written_again_as_they_are() -> None:
    committed = json.loads(RESULTS.read_text())["bursts"]
    assert committed
    assert [Burst.from_json(found).to_json() for found in committed] == committed


def test_children_are_in_the_results_of_those_that_have_some() -> None:
    serving = replace(BURST, children_s={"httproutes": 0.25})
    assert "children_s" not in BURST.to_json()
    assert serving.to_json()["children_s"] == {"httproutes": 0.25}
    assert Burst.from_json(json.loads(json.dumps(serving.to_json()))) == serving


def test_the_work_of_the_driver_and_of_strangers_is_not_the_control_planes() -> None:
    assert BURST.control_plane_cpu == 2.0
