"""Checkpoints: atomic, fenced by attempt, and never pruned from under a later attempt."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shipway_workloads.storage import FileStore
from shipway_workloads.training.checkpoint import CheckpointStore
from shipway_workloads.training.contract import TrainingError, TrainingReason

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def attempt(number: int, folder: Path) -> CheckpointStore:
    return CheckpointStore(FileStore(folder), attempt=number, now=lambda: NOON)


def test_a_new_job_has_nothing_to_resume_from(tmp_path: Path):
    assert attempt(1, tmp_path).claim() is None


def test_the_next_attempt_resumes_from_the_last_checkpoint(tmp_path: Path):
    first = attempt(1, tmp_path)
    first.claim()
    first.save(50, b"fifty")
    told = first.save(100, b"hundred")
    second = attempt(2, tmp_path)
    pointer = second.claim()
    assert pointer is not None
    assert (pointer.step, second.load(pointer)) == (100, b"hundred")
    assert second.describe(pointer) == told
    assert told.uri.startswith(tmp_path.as_uri())


def test_the_same_attempt_started_again_resumes_too(tmp_path: Path):
    first = attempt(1, tmp_path)
    first.claim()
    first.save(50, b"fifty")
    again = attempt(1, tmp_path).claim()
    assert again is not None
    assert again.step == 50


def test_an_older_attempt_that_lives_on_cannot_move_what_counts(tmp_path: Path):
    old, new = attempt(1, tmp_path), attempt(2, tmp_path)
    old.claim()
    old.save(50, b"fifty")
    new.claim()
    with pytest.raises(TrainingError, match="attempt 2 has taken over") as caught:
        old.save(100, b"partitioned")
    assert caught.value.reason == TrainingReason.STALE_ATTEMPT
    resumed = attempt(3, tmp_path).claim()
    assert resumed is not None
    assert resumed.step == 50


def test_an_older_attempt_that_starts_late_is_refused(tmp_path: Path):
    attempt(2, tmp_path).claim()
    with pytest.raises(TrainingError) as caught:
        attempt(1, tmp_path).claim()
    assert caught.value.reason == TrainingReason.STALE_ATTEMPT


def test_a_crash_before_the_pointer_moves_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = attempt(1, tmp_path)
    first.claim()
    first.save(50, b"fifty")
    write = FileStore.write

    def crash_at_pointer(store: FileStore, name: str, data: bytes) -> None:
        if name.startswith("latest"):
            raise KeyboardInterrupt
        write(store, name, data)

    with monkeypatch.context() as patched:
        patched.setattr(FileStore, "write", crash_at_pointer)
        with pytest.raises(KeyboardInterrupt):
            first.save(100, b"hundred")
    second = attempt(2, tmp_path)
    pointer = second.claim()
    assert pointer is not None
    assert second.load(pointer) == b"fifty"


def test_a_damaged_checkpoint_is_refused(tmp_path: Path):
    first = attempt(1, tmp_path)
    first.claim()
    name = first.save(50, b"fifty").uri.rsplit("/", 1)[1]
    (tmp_path / name).write_bytes(b"fiftx")
    second = attempt(2, tmp_path)
    pointer = second.claim()
    assert pointer is not None
    with pytest.raises(TrainingError, match="does not hash") as caught:
        second.load(pointer)
    assert caught.value.reason == TrainingReason.INVALID_CHECKPOINT


def test_a_pointer_that_leads_nowhere_is_refused_with_the_cure(tmp_path: Path):
    first = attempt(1, tmp_path)
    first.claim()
    name = first.save(50, b"fifty").uri.rsplit("/", 1)[1]
    (tmp_path / name).unlink()
    with pytest.raises(TrainingError, match="empty checkpoint URI"):
        attempt(2, tmp_path).claim()


def test_an_unreadable_pointer_is_refused(tmp_path: Path):
    attempt(1, tmp_path).claim()
    (tmp_path / "latest-000001.json").write_text('{"step": 1}')
    with pytest.raises(TrainingError, match="unreadable checkpoint pointer"):
        attempt(2, tmp_path).claim()


def test_two_checkpoints_are_kept(tmp_path: Path):
    first = attempt(1, tmp_path)
    first.claim()
    for step in (50, 100, 150, 200):
        first.save(step, b"x")
    assert sorted(path.name for path in tmp_path.glob("step-*")) == [
        "step-000000150-attempt-000001.pt",
        "step-000000200-attempt-000001.pt",
    ]


class Attempts(RuleBasedStateMachine):
    """Attempts that claim, save and live on after their successors began, in any order."""

    @initialize()
    def begin(self) -> None:
        self.scratch = TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.newest = 0
        self.truth = 0

    def teardown(self) -> None:
        self.scratch.cleanup()

    @rule()
    def next_attempt_claims(self) -> None:
        self.newest += 1
        pointer = attempt(self.newest, self.folder).claim()
        assert (pointer.step if pointer else 0) == self.truth

    @precondition(lambda self: self.newest > 0)
    @rule(steps=st.integers(1, 50))
    def newest_saves(self, steps: int) -> None:
        self.truth += steps
        attempt(self.newest, self.folder).save(self.truth, str(self.truth).encode())

    @precondition(lambda self: self.newest > 1)
    @rule(back=st.integers(1, 5), steps=st.integers(1, 500))
    def older_tries_to_save(self, back: int, steps: int) -> None:
        older = max(1, self.newest - back)
        with pytest.raises(TrainingError):
            attempt(older, self.folder).save(self.truth + steps, b"stale")

    @invariant()
    def what_counts_is_there_and_whole(self) -> None:
        if not self.newest:
            return
        reader = attempt(self.newest, self.folder)
        pointer = reader.claim()
        assert (pointer.step if pointer else 0) == self.truth
        if pointer:
            assert reader.load(pointer) == str(self.truth).encode()


TestAttempts = Attempts.TestCase
TestAttempts.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
