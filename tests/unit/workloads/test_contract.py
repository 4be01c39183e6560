"""What a training pod reads from the operator and leaves for it."""

import json
from pathlib import Path

import pytest

from shipway_workloads import termination
from shipway_workloads.training import contract
from shipway_workloads.training.contract import (
    DatasetRef,
    Evaluation,
    PublishedArtifact,
    Result,
    TrainingContext,
    TrainingError,
    TrainingReason,
)

DIGEST = "sha256:" + "0" * 64


def environment(**changes: str) -> dict[str, str]:
    return {
        "SHIPWAY_JOB": "ranker-v1",
        "SHIPWAY_NAMESPACE": "team-reco",
        "SHIPWAY_ATTEMPT": "2",
        "SHIPWAY_SEED": "7",
        "SHIPWAY_PARAMETERS": '{"epochs": "3"}',
        "SHIPWAY_OUTPUT_URI": "s3://models/ranker/v1",
    } | changes


def result(**changes: object) -> Result:
    artifact = PublishedArtifact(
        uri="s3://models/ranker/v1", digest=DIGEST, size_bytes=7, format_name="shipway-ranker", format_version="1"
    )
    return Result(artifact=artifact, **changes)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination-log"
    monkeypatch.setenv("SHIPWAY_TERMINATION_LOG", str(path))
    return path


@pytest.fixture
def in_a_pod(monkeypatch: pytest.MonkeyPatch, log: Path) -> Path:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return log


def test_everything_the_operator_says_is_read():
    context = TrainingContext.from_environment(environment(RANK="1", WORLD_SIZE="4"))
    assert (context.job, context.namespace, context.attempt, context.seed) == ("ranker-v1", "team-reco", 2, 7)
    assert context.parameters == {"epochs": "3"}
    assert (context.rank, context.world_size) == (1, 4)


def test_without_torchrun_the_pod_s_own_place_is_its_rank():
    context = TrainingContext.from_environment(environment(PET_NODE_RANK="1", PET_NNODES="2"))
    assert (context.rank, context.world_size) == (1, 2)


def test_what_is_not_said_is_none_rather_than_guessed():
    context = TrainingContext.from_environment(environment())
    assert (context.checkpoint_uri, context.progress_url, context.token_file) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("SHIPWAY_JOB", "", "is not set"),
        ("SHIPWAY_OUTPUT_URI", "", "is not set"),
        ("SHIPWAY_ATTEMPT", "0", "an integer of 1 or more"),
        ("SHIPWAY_SEED", "one", "an integer of 0 or more"),
        ("SHIPWAY_CHECKPOINT_EVERY_STEPS", "-5", "an integer of 1 or more"),
        ("SHIPWAY_PARAMETERS", "[1]", "JSON object of strings"),
        ("SHIPWAY_PARAMETERS", '{"epochs": 3}', "JSON object of strings"),
        ("SHIPWAY_PARAMETERS", "{", "JSON object of strings"),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_be_right(name: str, value: str, cure: str):
    with pytest.raises(TrainingError, match=cure) as caught:
        TrainingContext.from_environment(environment(**{name: value}))
    assert caught.value.reason == TrainingReason.INVALID_ENVIRONMENT
    assert name in caught.value.message


def test_a_result_reads_as_the_operator_expects_it():
    made = result(
        evaluation=[Evaluation(name="auc", value=0.79231, dataset="movielens-100k/user-tail-20")],
        datasets=[DatasetRef(name="movielens-100k", digest=DIGEST)],
        code_revision="abc",
        step=800,
        loss=0.4912,
        loss_trace_digest=DIGEST,
        seed=1,
    )
    assert made.to_json() == {
        "artifact": {
            "uri": "s3://models/ranker/v1",
            "digest": DIGEST,
            "sizeBytes": 7,
            "format": {"name": "shipway-ranker", "version": "1"},
        },
        "evaluation": [{"name": "auc", "value": "0.7923", "dataset": "movielens-100k/user-tail-20", "slice": ""}],
        "lineage": {
            "datasets": [{"name": "movielens-100k", "digest": DIGEST}],
            "codeRevision": "abc",
            "seed": 1,
        },
        "step": 800,
        "loss": "0.4912",
        "lossTraceDigest": DIGEST,
    }


def test_a_job_without_steps_says_nothing_about_steps():
    assert set(result().to_json()) == {"artifact", "evaluation", "lineage"}


def test_a_finished_job_leaves_its_result(in_a_pod: Path):
    with pytest.raises(SystemExit) as ended:
        contract.run(lambda context: result(seed=context.seed))
    assert ended.value.code == 0
    assert json.loads(in_a_pod.read_text())["lineage"]["seed"] == 7


def test_only_rank_0_leaves_a_result(in_a_pod: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit):
        contract.run(lambda _: result())
    assert not in_a_pod.exists()


def test_a_known_failure_keeps_its_reason(in_a_pod: Path):
    def train(_: TrainingContext) -> Result:
        raise TrainingError(TrainingReason.LOSS_NOT_FINITE, "loss is nan at step 3")

    with pytest.raises(SystemExit) as ended:
        contract.run(train)
    assert ended.value.code == 1
    assert json.loads(in_a_pod.read_text()) == {
        "error": {"reason": "LossNotFinite", "message": "loss is nan at step 3"}
    }


def test_an_unforeseen_failure_is_told_by_its_type(in_a_pod: Path):
    def train(_: TrainingContext) -> Result:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(SystemExit):
        contract.run(train)
    error = json.loads(in_a_pod.read_text())["error"]
    assert error == {"reason": "TrainingFailed", "message": "ZeroDivisionError: division by zero"}


def test_a_broken_environment_is_a_failure_with_a_reason_too(log: Path):
    with pytest.raises(SystemExit):
        contract.run(lambda _: result())
    assert json.loads(log.read_text())["error"]["reason"] == "InvalidEnvironment"


@pytest.mark.parametrize("order", [("cause", "echo"), ("echo", "cause")])
def test_a_lost_peer_never_hides_the_first_cause(in_a_pod: Path, order: tuple[str, str]):
    reasons = {"cause": TrainingReason.LOSS_NOT_FINITE, "echo": TrainingReason.PEER_LOST}

    def fail(reason: TrainingReason) -> None:
        def train(_: TrainingContext) -> Result:
            raise TrainingError(reason, "…")

        with pytest.raises(SystemExit):
            contract.run(train)

    for kind in order:
        fail(reasons[kind])
    assert json.loads(in_a_pod.read_text())["error"]["reason"] == "LossNotFinite"


def test_a_long_error_is_cut_to_what_kubernetes_keeps(log: Path):
    termination.write_error(TrainingError(TrainingReason.TRAINING_FAILED, "ä" * 5000))
    assert len(log.read_bytes()) <= termination.MAX_BYTES
    assert json.loads(log.read_text())["error"]["reason"] == "TrainingFailed"


def test_a_long_result_is_refused_rather_than_cut_to_nonsense(log: Path):
    with pytest.raises(ValueError, match="4096"):
        termination.write({"evaluation": ["x" * 5000]})
    assert not log.exists()


def test_outside_a_pod_the_report_goes_to_stdout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("SHIPWAY_TERMINATION_LOG", raising=False)
    monkeypatch.setattr(termination, "DEFAULT_PATH", tmp_path / "not-there")
    termination.write({"digest": DIGEST})
    assert json.loads(capsys.readouterr().out) == {"digest": DIGEST}
    assert not (tmp_path / "not-there").exists()
