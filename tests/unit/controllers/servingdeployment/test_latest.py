"""Continuous deployment: the newest version that is ready is released, and none that was taken back."""

import copy

from shipway.kube.resource import MODEL_VERSION
from unit.controllers.servingdeployment.world import GATES, World, model_version

ROLLOUT = {"steps": [{"setWeight": 20}, {"pause": {"seconds": 5}}], "gates": GATES, "bakeSeconds": 2}


def following() -> World:
    """A world that follows the newest version, of which there is one."""
    world = World(version=None, latestReady=True, rollout=ROLLOUT)
    for version in ("v2", "v3", "v4"):
        del world.objects[MODEL_VERSION.kind, f"ranker-{version}"]
    world.until(lambda: world.serves("v1"))
    return world


def publish(world: World, version: str, *, ready: bool = True) -> None:
    body = model_version(version)
    world.put(body if ready else {**body, "status": {}})


def test_each_new_version_is_released_as_it_comes():
    world = following()
    for version in ("v2", "v3"):
        publish(world, version)
        world.run(1)
        world.until(lambda wanted=version: world.serves(wanted))
    assert world.status.stable.version == "v3"


def test_a_version_that_is_not_verified_yet_changes_nothing():
    world = following()
    publish(world, "v2", ready=False)
    world.run(10)
    assert world.serves("v1")
    verified = copy.deepcopy(world.find(MODEL_VERSION, "ranker-v2"))
    world.put({**verified, "status": model_version("v2")["status"]})
    world.run(1)
    world.until(lambda: world.serves("v2"))


def test_the_newest_is_the_one_created_last_whatever_it_is_called():
    world = following()
    publish(world, "v9")
    world.run(5)
    publish(world, "v10")
    world.run(5)
    world.until(lambda: world.serves("v10"))


def test_a_newer_one_replaces_the_one_being_released():
    world = following()
    publish(world, "v2")
    world.until(lambda: world.share("v2") == 20)
    publish(world, "v3")
    world.run(1)
    assert world.share("v2") == 0
    world.until(lambda: world.serves("v3"))


def test_a_bad_one_is_taken_back_passed_over_and_said_so():
    world = following()
    world.errors["v2"] = 0.5
    publish(world, "v2")
    world.until(lambda: world.state() == "Aborted")
    world.run(10)
    assert world.serves("v1")
    assert world.status.summary == "v1 answers at ranker.example.com; newer and quarantined: v2"
    publish(world, "v3")
    world.run(1)
    world.until(lambda: world.serves("v3"))


def test_it_never_goes_back_by_itself_to_a_version_older_than_stable():
    world = following()
    publish(world, "v2")
    world.run(1)
    world.until(lambda: world.serves("v2"))
    world.run(8)
    held = {
        "type": "Rollback",
        "subject": {"kind": "ServingDeployment", "name": "another"},
        "model": "ranker",
        "version": "v2",
        "digest": world.status.stable.digest,
        "predictorHash": world.status.stable.predictor_hash,
        "owner": "reco",
        "gate": "errors",
        "summary": "errors: 9/40",
        "detectedAt": "2027-01-15T08:00:00Z",
    }
    world.put({"kind": "Incident", "metadata": {"name": "another-v2-1"}, "spec": held})
    world.run(10)
    assert world.serves("v2")


def test_after_an_undo_it_stays_where_it_went_until_a_newer_version_comes():
    world = following()
    publish(world, "v2")
    world.run(1)
    world.until(lambda: world.serves("v2"))
    world.run(8)
    world.act("undo", id_="1")
    world.until(lambda: world.serves("v1"))
    world.run(10)
    assert world.serves("v1")
    publish(world, "v3")
    world.run(1)
    world.until(lambda: world.serves("v3"))


def test_without_any_it_says_what_would_help():
    world = World(version=None, latestReady=True)
    for version in ("v1", "v2", "v3", "v4"):
        del world.objects[MODEL_VERSION.kind, f"ranker-{version}"]
    world.run(1)
    assert world.ready() == ("False", "VersionMissing")
    assert "none is ready; publish one" in world.status.summary
