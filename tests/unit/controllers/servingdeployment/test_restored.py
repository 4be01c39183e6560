"""What becomes of a deployment whose status was lost, as a cluster restored from a backup loses it."""

import copy
from typing import Any

import pytest

from shipway.controllers.owned import owner_uid
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE, MODEL, MODEL_VERSION, SERVING_DEPLOYMENT
from unit.controllers.servingdeployment.world import GATES, World

RESTORED = ("ServingDeployment", "InferenceService", "HTTPRoute")


def at(version: str, weight: int, *, mirrored: bool = False, **spec: Any) -> World:
    """A world in which a version has got a weight, or a mirror, and its step has begun."""
    world = World(**spec)
    world.until(lambda: world.serves("v1"))
    world.change(version=version)
    world.until(
        lambda: world.share(version) == weight and world.is_mirrored(version) == mirrored and _step_begun(world)
    )
    return world


def _step_begun(world: World) -> bool:
    rollout = world.status.rollout
    return rollout is not None and rollout.step_started_at is not None


def lose_status(world: World) -> None:
    """The same objects, but nobody knows what they were at."""
    sdep = copy.deepcopy(world.sdep)
    del sdep["status"]
    world.put(sdep)
    world.restart_operator()


def restore(world: World) -> None:
    """As Velero does: new objects of the same spec, labels and annotations; no status, no owners."""
    for key, obj in list(world.objects.items()):
        if obj["kind"] not in RESTORED:
            continue
        del world.objects[key]
        kept = {name: obj["metadata"][name] for name in ("name", "labels", "annotations") if name in obj["metadata"]}
        world.put(copy.deepcopy({**obj, "metadata": kept, "status": {}}))
    world.restart_operator()


LOSSES = {"the status alone": lose_status, "a restore with new uids": restore}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
class TestInMidStep:
    def test_no_weight_moves_and_the_release_goes_on_from_its_step(self, lose: Any):
        world = at("v2", 25)
        before = len(world.route_shares("v2"))
        lose(world)
        world.run(20)
        assert world.share("v2") == 25, "the step begins anew, with its whole wait"
        assert world.status.summary.startswith("v2 at 25 % (step 2/")
        world.until(lambda: world.serves("v2"), within=120)
        assert [share for share in world.route_shares("v2")[before:] if share != 25] == [50, 100]

    def test_it_goes_on_watching_and_takes_a_bad_version_back(self, lose: Any):
        world = at("v2", 25)
        lose(world)
        world.errors["v2"] = 0.5
        world.until(lambda: world.share("v2") == 0, within=60)
        assert world.status.stable is not None
        assert world.status.stable.version == "v1"
        assert len(world.incidents()) == 1

    def test_the_one_the_spec_wants_is_the_candidate_even_with_most_of_the_traffic(self, lose: Any):
        steps = [{"setWeight": 70}, {"pause": {"seconds": 30}}]
        world = at("v2", 70, rollout={"steps": steps, "gates": [], "bakeSeconds": 0})
        lose(world)
        world.run(5)
        assert world.share("v2") == 70
        assert world.status.stable is not None
        assert world.status.stable.version == "v1"

    def test_one_that_is_mirrored_goes_on_being_mirrored(self, lose: Any):
        steps = [{"mirror": {}}, {"pause": {"seconds": 20}}, {"setWeight": 25}]
        world = at("v2", 0, rollout={"steps": steps, "gates": GATES, "bakeSeconds": 5}, mirrored=True)
        before = len(world.mirrorings("v2"))
        lose(world)
        world.run(15)
        assert world.is_mirrored("v2"), "the step begins anew, with its whole wait"
        assert all(world.mirrorings("v2")[before:])
        assert world.status.summary.startswith("v2 is mirrored (step 1/")
        world.until(lambda: world.serves("v2"), within=120)

    def test_a_paused_mirror_stays_paused(self, lose: Any):
        steps = [{"mirror": {}}, {"pause": {"seconds": 5}}]
        world = at("v2", 0, rollout={"steps": steps, "gates": GATES, "bakeSeconds": 5}, mirrored=True)
        world.act("pause", id_="1")
        world.run(2)
        lose(world)
        world.run(60)
        assert (world.state(), world.is_mirrored("v2")) == ("Paused", True)

    def test_a_paused_release_stays_paused(self, lose: Any):
        world = at("v2", 25)
        world.act("pause", id_="1")
        world.run(2)
        lose(world)
        world.run(120)
        assert (world.state(), world.share("v2")) == ("Paused", 25)
        world.act("resume", id_="2")
        world.until(lambda: world.serves("v2"), within=200)

    def test_a_verb_of_long_ago_is_not_run_again(self, lose: Any):
        world = at("v2", 25)
        world.act("promote", id_="1")
        world.until(lambda: world.share("v2") == 50)
        lose(world)
        world.run(5)
        assert world.share("v2") == 50
        assert world.status.actions[-1].result.startswith("not run: the status was lost")

    def test_an_alias_is_followed_once_its_model_is_there_and_nothing_moves_before(self, lose: Any):
        world = at("v2", 25)
        model = copy.deepcopy(world.find(MODEL, "ranker"))
        assert model is not None
        model["spec"]["aliases"] = [{"name": "champion", "version": "v2"}]
        del world.objects["Model", "ranker"]
        world.change(version=None, alias="champion")
        del world.sdep["spec"]["version"]
        lose(world)
        world.run(5)
        assert world.share("v2") == 25
        world.put(model)
        world.run(5)
        assert world.share("v2") == 25
        assert world.status.candidate is not None
        assert world.status.candidate.version == "v2"

    def test_versions_that_are_not_verified_yet_move_nothing(self, lose: Any):
        world = at("v2", 25)
        for version in ("v1", "v2"):
            unverified = copy.deepcopy(world.find(MODEL_VERSION, f"ranker-{version}"))
            assert unverified is not None
            world.put({**unverified, "status": {}})
        lose(world)
        world.run(60)
        assert world.share("v2") == 25


def test_what_lost_its_owner_is_owned_again_and_no_pod_is_replaced():
    world = at("v2", 25)
    world.run(1)
    pods = {name for kind, name in world.objects if kind == "Pod"}
    restore(world)
    world.run(3)
    uid = world.objects[SERVING_DEPLOYMENT.kind, "ranker"]["metadata"]["uid"]
    children = [*world.list(INFERENCE_SERVICE, "team"), *world.list(HTTP_ROUTE, "team")]
    assert {owner_uid(child) for child in children} == {uid}
    assert {name for kind, name in world.objects if kind == "Pod"} == pods
    written = world.writes
    world.run(0.5)
    assert world.writes - written <= 1, "nothing but the numbers of the step"


def test_after_a_release_the_version_that_answers_stays():
    world = at("v2", 25)
    world.until(lambda: world.serves("v2"), within=200)
    world.run(30)
    before = len(world.route_shares("v2"))
    restore(world)
    world.run(30)
    assert world.serves("v2")
    assert set(world.route_shares("v2")[before:]) <= {100}


def test_a_version_that_was_taken_back_is_not_released_again():
    world = at("v2", 25)
    world.errors["v2"] = 0.5
    world.until(lambda: world.share("v2") == 0, within=60)
    world.run(10)
    restore(world)
    world.run(30)
    assert world.share("v1") == 100
    assert world.condition("Stalled") == ("True", "Quarantined")


QUICK: dict[str, Any] = {
    "steps": [{"setWeight": 20}, {"pause": {"seconds": 3}}, {"setWeight": 50}, {"pause": {"seconds": 3}}],
    "gates": GATES,
    "bakeSeconds": 3,
}


@pytest.mark.parametrize("crash_after", range(1, 13))
def test_an_operator_that_dies_after_any_write_of_a_restored_release_changes_nothing_of_it(crash_after: int):
    world = at("v2", 20, rollout=QUICK)
    before = len(world.route_shares("v2"))
    restore(world)
    world.crash_at = world.writes + crash_after
    world.until(lambda: world.serves("v2"))
    assert world.crashes == 1
    assert sorted(set(world.route_shares("v2")[before:]) | {20}) == [20, 50, 100]
    assert world.status.rollout is not None
    assert [record.weight for record in world.status.rollout.history] == [20, 50, 100]
