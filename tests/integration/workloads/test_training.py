"""Real torchrun processes: killed, resumed, spread over pods, and as good as they say."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from processes import Started, started, until, unused_port
from shipway_workloads.training import artifact, evaluate, movielens
from shipway_workloads.training.movielens import Split
from shipway_workloads.training.report import COUNTED_BASELINES, report_split

TORCHRUN = "torch.distributed.run"
RANKER = ("-m", "shipway_workloads.training.ranker")
SHORT: Mapping[str, str] = {"epochs": "2"}
STEPS = 156
EVERY = 20


def pod(
    folder: Path,
    *,
    attempt: int = 1,
    node: int = 0,
    nodes: int = 1,
    procs: int = 1,
    port: int,
    parameters: Mapping[str, str] = SHORT,
) -> AbstractContextManager[Started]:
    """One pod of a TrainingJob whose checkpoints and artifact lie in `folder`."""
    env = {
        "SHIPWAY_JOB": "ranker-v1",
        "SHIPWAY_NAMESPACE": "team-reco",
        "SHIPWAY_ATTEMPT": str(attempt),
        "SHIPWAY_SEED": "1",
        "SHIPWAY_PARAMETERS": json.dumps(dict(parameters)),
        "SHIPWAY_CHECKPOINT_URI": (folder / "checkpoints").as_uri(),
        "SHIPWAY_CHECKPOINT_EVERY_STEPS": str(EVERY),
        "SHIPWAY_OUTPUT_URI": (folder / "artifact").as_uri(),
        "PET_NNODES": str(nodes),
        "PET_NPROC_PER_NODE": str(procs),
        "PET_NODE_RANK": str(node),
        "PET_RDZV_BACKEND": "static",
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": str(port),
        "PET_RDZV_ID": f"uid-{attempt}",
        "PET_MAX_RESTARTS": "0",
    }
    folder.mkdir(exist_ok=True)
    return started(TORCHRUN, *RANKER, log=folder / f"log-{attempt}-{node}", env=env)


def checkpoints(folder: Path, *, attempt: int) -> list[int]:
    """Steps of the checkpoints that an attempt has in store."""
    names = (folder / "checkpoints").glob(f"step-*-attempt-{attempt:06d}.pt")
    return sorted(int(path.name.split("-")[1]) for path in names)


def resumes_from(folder: Path, *, attempt: int) -> int:
    """The step that an attempt's pointer leads to."""
    path = folder / "checkpoints" / f"latest-{attempt:06d}.json"
    pointer = json.loads(path.read_text()) if path.exists() else None
    return int(pointer["step"]) if pointer else 0


def test_a_killed_job_resumes_to_the_very_losses_of_an_unbroken_one_on_other_pods(tmp_path: Path):
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    slow = {**SHORT, "stepDelayMs": "20"}
    with pod(killed, procs=2, port=unused_port(), parameters=slow) as first:
        until("a checkpoint at step 140", lambda: resumes_from(killed, attempt=1) == 140)
        first.kill()
    assert not first.log.exists(), "a killed pod has no last words"
    with pod(killed, attempt=2, procs=2, port=unused_port()) as second:
        assert second.wait() == 0
    assert checkpoints(killed, attempt=2) == [STEPS], "it went on from step 140, not from the beginning"

    port = unused_port()
    with pod(unbroken, nodes=2, node=0, port=port) as rank_0, pod(unbroken, nodes=2, node=1, port=port) as rank_1:
        assert (rank_0.wait(), rank_1.wait()) == (0, 0)
    assert not rank_1.log.exists(), "rank 0 alone tells the result"

    resumed, whole = second.message(), rank_0.message()
    assert resumed["step"] == whole["step"] == STEPS
    assert resumed["lossTraceDigest"] == whole["lossTraceDigest"]
    assert resumed["artifact"]["digest"] == whole["artifact"]["digest"]
    scores = evaluate.evaluate(artifact.load(unbroken / "artifact"), movielens.load(), Split.USER_TAIL)
    assert f"{scores[0].value:.4f}" == whole["evaluation"][0]["value"]


def test_a_pod_that_loses_its_peer_ends_at_once_and_says_so(tmp_path: Path):
    port, slow = unused_port(), {**SHORT, "stepDelayMs": "50"}
    with (
        pod(tmp_path, nodes=2, node=0, port=port, parameters=slow) as survivor,
        pod(tmp_path, nodes=2, node=1, port=port, parameters=slow) as lost,
    ):
        until("training under way", lambda: resumes_from(tmp_path, attempt=1) >= EVERY)
        lost.kill()
        assert survivor.wait() == 1
    error = survivor.message()["error"]
    assert error["reason"] == "PeerLost"
    assert "rank 0" in error["message"]


def test_a_bad_parameter_ends_the_pod_with_its_name(tmp_path: Path):
    with pod(tmp_path, port=unused_port(), parameters={"dropout": "2"}) as refused:
        assert refused.wait() == 1
    assert refused.message()["error"] == {
        "reason": "InvalidParameter",
        "message": "parameter dropout='2' must be a number from 0 to 0.9",
    }


def test_a_checkpoint_of_other_parameters_is_refused_by_their_name(tmp_path: Path):
    with pod(tmp_path, port=unused_port(), parameters={"epochs": "1"}) as first:
        assert first.wait() == 0
    with pod(tmp_path, attempt=2, port=unused_port(), parameters={"epochs": "2"}) as second:
        assert second.wait() == 1
    error = second.message()["error"]
    assert error["reason"] == "InvalidCheckpoint"
    assert "epochs=1, this run has 2" in error["message"]


def test_two_processes_learn_what_one_would(tmp_path: Path):
    exact = {"epochs": "1", "dropout": "0"}
    with (
        pod(tmp_path / "one", port=unused_port(), parameters=exact) as one,
        pod(tmp_path / "two", procs=2, port=unused_port(), parameters=exact) as two,
    ):
        assert (one.wait(), two.wait()) == (0, 0)
    assert float(two.message()["loss"]) == pytest.approx(float(one.message()["loss"]), abs=1e-4)


def test_a_seed_of_the_default_recipe_beats_every_baseline():
    report = report_split(Split.USER_TAIL, seeds=[1], ranks=2)
    for name in (*COUNTED_BASELINES, "userItemBiasFitted"):
        assert report.beats(name), f"{report.runs[0].auc} against {name} {report.baselines[name]}"
