"""The operator dies after any one of its writes, and nobody can tell from what became of the release."""

from itertools import groupby
from typing import Any, get_args

import pytest

from shipway.api.conditions import seconds
from shipway.api.v1alpha1.gates import Gate
from unit.controllers.servingdeployment.beginnings import released
from unit.controllers.servingdeployment.replay import Beat, Death, Story
from unit.controllers.servingdeployment.world import GATES, World

QUICK = [{"setWeight": 20}, {"pause": {"seconds": 3}}, {"setWeight": 50}, {"pause": {"seconds": 3}}]
ONE_STEP = [{"setWeight": 50}, {"pause": {"seconds": 3}}]
SHADOW = [{"mirror": {}}, {"pause": {"seconds": 3}}, *QUICK]
THAT_COUNT = [
    *GATES,
    {"name": "latency", "type": "Latency", "margin": "0.05"},
    {"name": "ratio", "type": "SampleRatio", "margin": "0.05"},
    {"name": "scores", "type": "PredictionShift", "margin": "0.1", "onFail": "Abort"},
    {"name": "worth", "type": "BusinessMetric", "margin": "0.1"},
    {"name": "calibration", "type": "Calibration"},
    {"name": "entropy", "type": "NormalizedEntropy", "onFail": "Observe"},
    {"name": "answers", "type": "AnswerDiff", "onFail": "Abort"},
]
THAT_ASK = [
    {"name": "quality", "type": "Evaluation", "evaluation": {"name": "auc"}, "limit": "0.5"},
    {"name": "load", "type": "PromQL", "query": "load", "limit": "1", "measurements": 1, "intervalSeconds": 5},
    {"name": "approval", "type": "Webhook", "service": {"name": "approvals"}, "intervalSeconds": 5},
]


def served(version: str = "v1", *, errors: float = 0.0, **rules: Any) -> World:
    """A world in which a version serves; the answers of v3 fail as often as said."""
    world = released(version, rollout={"steps": QUICK, "gates": GATES, "bakeSeconds": 3, **rules})
    world.worth |= {"v1": 0.5, "v2": 0.5}
    world.errors["v3"] = errors
    world.until(lambda: is_alone(world, version))
    return world


def stepping(version: str, share: int, **rules: Any) -> World:
    """A world in which a version has a share, and has answered with it for a while."""
    world = served(**rules)
    world.change(version=version)
    world.until(lambda: world.share(version) == share and has_counted(world, 10))
    return world


def taken_back() -> World:
    """A world in which v3 was taken back, for its errors that are mended now."""
    world = served(errors=0.5)
    world.change(version="v3")
    world.until(lambda: is_taken_back(world))
    world.errors["v3"] = 0.0
    return world


def is_alone(world: World, version: str) -> bool:
    """Whether a version has all the traffic, and nothing else runs any more."""
    stable = world.status.stable
    return (
        stable is not None
        and stable.version == version
        and world.shares() == {stable.inference_service: 100}
        and list(world.services()) == [stable.inference_service]
    )


def is_taken_back(world: World) -> bool:
    return world.state() == "Aborted" and is_alone(world, "v1")


def has_counted(world: World, answers: int) -> bool:
    rollout = world.status.rollout
    return rollout is not None and any(entry.requests >= answers for entry in rollout.evidence)


def has_begun(world: World, weight: int) -> bool:
    rollout = world.status.rollout
    return rollout is not None and any(record.weight == weight for record in rollout.history)


def has_been_paused(world: World, for_seconds: float) -> bool:
    rollout = world.status.rollout
    since = rollout.paused_at if rollout else None
    return since is not None and world.now - seconds(since) >= for_seconds


def wants(version: str, share: int = 100) -> Beat:
    """A version is wanted, and gets a share; with all of it, it is released."""
    if share == 100:
        return Beat(lambda w: w.change(version=version), lambda w: w.serves(version) and is_alone(w, version))
    return Beat(lambda w: w.change(version=version), lambda w: w.share(version) == share and has_counted(w, 40))


GOOD = Story("a good one", served, [wants("v2")])
COUNTED = Story("one that all gates count", lambda: served(steps=ONE_STEP, gates=THAT_COUNT), [wants("v2")])
ASKED = Story("one that all gates ask about", lambda: served(steps=ONE_STEP, gates=THAT_ASK), [wants("v2")])
MIRRORED = Story("one that is mirrored first", lambda: served(steps=SHADOW), [wants("v2")])
TWINNED = Story("one beside a twin", lambda: served(compareWith="Twin"), [wants("v2")])
BAD = Story(
    "one that turns bad",
    served,
    [wants("v3", 50), Beat(lambda w: w.errors.update(v3=0.5), is_taken_back)],
)
BAD_MIRRORED = Story(
    "a bad one that is mirrored first",
    lambda: served(errors=0.3, steps=SHADOW),
    [Beat(lambda w: w.change(version="v3"), is_taken_back)],
)
BAD_TWINNED = Story(
    "a bad one beside a twin",
    lambda: served(errors=0.6, compareWith="Twin"),
    [Beat(lambda w: w.change(version="v3"), is_taken_back)],
)
SUPERSEDED = Story("one that a newer one replaces", lambda: stepping("v2", 20), [wants("v4")])
PAUSED = Story(
    "one that a person pauses and resumes",
    lambda: stepping("v2", 20),
    [
        Beat(lambda w: w.act("pause", id_="1"), lambda w: has_been_paused(w, 3)),
        Beat(lambda w: w.act("resume", id_="2"), lambda w: has_begun(w, 50)),
    ],
)
ABORTED = Story(
    "one that a person takes back",
    lambda: stepping("v2", 20),
    [Beat(lambda w: w.act("abort", id_="1"), is_taken_back)],
)
RETRIED = Story(
    "one that a person lets try again",
    taken_back,
    [Beat(lambda w: w.act("retry", id_="1"), lambda w: has_begun(w, 50))],
)
UNDONE = Story(
    "one that a person goes back from",
    lambda: served("v2"),
    [Beat(lambda w: w.act("undo", id_="1"), lambda w: w.state() == "Completed" and is_alone(w, "v1"))],
)
BLIND = Story(
    "one whose gates are blind for a while",
    lambda: stepping("v2", 20, errorSeconds=10),
    [
        Beat(lambda w: setattr(w, "metrics_work", False), lambda w: bool(w.incidents())),
        Beat(lambda w: setattr(w, "metrics_work", True), lambda w: has_begun(w, 50)),
    ],
)
STORIES = (
    GOOD, COUNTED, ASKED, MIRRORED, TWINNED, BAD, BAD_MIRRORED, BAD_TWINNED, SUPERSEDED, PAUSED, ABORTED, RETRIED,
    UNDONE, BLIND,
)  # fmt: skip


def each_death(*stories: Story) -> Any:
    deaths = [death for story in stories for death in story.deaths]
    return pytest.mark.parametrize(
        "death", deaths, ids=[f"{death.story.name}: {death.number} {death.write}" for death in deaths]
    )


@each_death(*STORIES)
def test_nobody_can_tell_after_which_write_the_operator_died(death: Death):
    assert death.outcome() == death.story.unbroken


class TestWhatBecomes:
    """What became of each story when nobody died: that is what it has to be however often somebody does."""

    def test_a_good_release_walks_its_steps(self):
        for story in (GOOD, TWINNED):
            assert story.unbroken.state == ("Completed", "v2")
            assert story.unbroken.versions == ("v2", "v1")
            assert story.unbroken.steps == ((20, False), (50, False), (100, False))
            assert story.unbroken.incidents == ()

    def test_so_does_one_that_is_watched_by_every_type_of_gate(self):
        for story in (COUNTED, ASKED):
            assert story.unbroken.steps == ((50, False), (100, False))
            assert story.unbroken.incidents == ()
        gates = (*THAT_COUNT, *THAT_ASK)
        assert {gate["type"] for gate in gates} == set(get_args(Gate.model_fields["type"].annotation))

    def test_one_that_is_mirrored_first_is_mirrored_once(self):
        assert MIRRORED.unbroken.steps == ((0, True), (20, False), (50, False), (100, False))
        assert sum(bool(mirror) for _, mirror in MIRRORED.unbroken.routes) == 1

    def test_a_bad_one_is_taken_back_for_its_errors_and_gets_nothing_afterwards(self):
        assert BAD.unbroken.incidents == (("errors", "v3", True, False),)
        assert given(BAD, "v3") == [0, 20, 50, 0]

    def test_a_bad_one_that_is_mirrored_first_never_gets_a_weight(self):
        assert BAD_MIRRORED.unbroken.incidents == (("errors", "v3", True, False),)
        assert given(BAD_MIRRORED, "v3") == [0]

    def test_a_bad_one_beside_a_twin_leaves_no_twin(self):
        assert BAD_TWINNED.unbroken.incidents == (("errors", "v3", True, False),)
        assert len(BAD_TWINNED.unbroken.services) == 1

    def test_one_that_a_newer_one_replaces_is_nobodys_fault(self):
        assert SUPERSEDED.unbroken.state == ("Completed", "v4")
        assert SUPERSEDED.unbroken.incidents == ()
        assert given(SUPERSEDED, "v2") == [0, 20, 0]

    def test_a_pause_is_one_pause(self):
        assert [verb for verb, _ in PAUSED.unbroken.actions] == ["pause", "resume"]
        assert PAUSED.unbroken.steps == ((20, False), (50, False))

    def test_an_abort_is_recorded_with_where_the_traffic_went(self):
        assert ABORTED.unbroken.actions == (("abort", "taken back to v1"),)
        assert ABORTED.unbroken.incidents == (("abort", "v2", True, False),)

    def test_a_retry_lifts_the_incident_and_the_version_gets_traffic_again(self):
        assert RETRIED.unbroken.incidents == (("errors", "v3", True, True),)
        assert RETRIED.unbroken.state == ("Stepping", "v3")
        assert given(RETRIED, "v3") == [0, 20, 0, 20, 50]

    def test_an_undo_leaves_one_incident_and_the_version_before(self):
        assert UNDONE.unbroken.versions[0] == "v1"
        assert UNDONE.unbroken.incidents == (("undo", "v2", True, False),)
        assert UNDONE.unbroken.ready == ("False", "Quarantined")

    def test_blind_gates_call_for_somebody_once_and_the_release_goes_on_afterwards(self):
        assert [gate for gate, *_ in BLIND.unbroken.incidents] == ["counters"]
        assert BLIND.unbroken.steps == ((20, False), (50, False))


def given(story: Story, version: str) -> list[int]:
    """The shares that the gateway was told to give to a version, one after the other."""
    shares = [sum(share for name, share in told.items() if f"-{version}-" in name) for told, _ in story.unbroken.routes]
    return [share for share, _ in groupby(shares)]
