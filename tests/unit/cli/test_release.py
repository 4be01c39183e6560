"""The tree of a release says where it is and why it waits."""

from shipway.cli.release import tree


def sdep(**status: object) -> dict[str, object]:
    return {
        "metadata": {"namespace": "team-reco", "name": "ranker"},
        "spec": {"rollout": {"steps": [{"setWeight": 5}, {"pause": {"seconds": 10}}, {"pause": {}}, {"mirror": {}}]}},
        "status": status,
    }


VERSION = {"version": "v1", "digest": "sha256:" + "a" * 64}


def test_a_new_object_shows_its_name_alone() -> None:
    assert tree({"metadata": {"namespace": "a", "name": "b"}, "spec": {}}) == ["a/b"]


def test_the_current_step_is_marked_and_the_candidate_has_its_share() -> None:
    rollout = {"state": "Stepping", "stepIndex": 1, "weights": {"desired": 5, "observed": 5}}
    lines = tree(sdep(stable=VERSION, candidate=VERSION | {"version": "v2"}, rollout=rollout))
    assert any("stable" in line and " 95 %" in line for line in lines)
    assert any("candidate" in line and "v2" in line and "  5 %" in line for line in lines)
    assert [line for line in lines if "→" in line] == ["│  → 1  pause 10 s"]
    assert any("pause until promoted" in line for line in lines)
    assert any(line.endswith("3  mirror") for line in lines)


def test_no_step_is_current_once_the_release_is_over() -> None:
    lines = tree(sdep(stable=VERSION, rollout={"state": "Completed", "stepIndex": 2}))
    assert not any("→" in line for line in lines)


def test_versions_that_are_kept_say_how_long_an_undo_takes() -> None:
    lines = tree(sdep(stable=VERSION, kept=[VERSION | {"version": "v0", "startSeconds": 12}]))
    assert any("kept" in line and "v0" in line and "undo takes about 12 s" in line for line in lines)


def test_an_undo_has_no_steps() -> None:
    lines = tree(sdep(stable=VERSION, rollout={"state": "Stepping", "stepIndex": 0, "undo": True}))
    assert any("undo" in line and "Stepping" in line for line in lines)
    assert not any("→" in line for line in lines)


def test_gates_conditions_and_actions_are_shown_with_their_words() -> None:
    gate = {"name": "errors", "verdict": "Fail", "message": "7 of 31 against 0 of 90"}
    condition = {"type": "Ready", "status": "False", "reason": "RolledBack", "message": "v2 was taken back"}
    action = {"id": "1", "verb": "abort", "by": "ada", "at": "2026-01-01T00:00:00Z", "result": "aborted"}
    lines = "\n".join(
        tree(sdep(rollout={"state": "Aborted", "gates": [gate]}, conditions=[condition], actions=[action]))
    )
    assert "7 of 31 against 0 of 90" in lines
    assert "RolledBack: v2 was taken back" in lines
    assert "abort by ada: aborted" in lines


def test_objectives_are_shown_with_what_burns() -> None:
    objectives = [
        {"name": "fast", "state": "Met"},
        {"name": "availability", "state": "Burning", "message": "2.1 % of 41,200 answers failed"},
    ]
    lines = [line for line in tree(sdep(objectives=objectives)) if "objective" in line]
    assert lines[0].endswith("Met")
    assert "availability Burning  2.1 % of 41,200 answers failed" in lines[1]


def test_a_sentence_is_said_once() -> None:
    ready = {"type": "Ready", "status": "False", "reason": "Quarantined", "message": "held"}
    lines = tree(sdep(summary="held", conditions=[ready, ready | {"type": "Stalled", "status": "True"}]))
    assert sum("held" in line for line in lines) == 1
    assert sum("Quarantined" in line for line in lines) == 2
