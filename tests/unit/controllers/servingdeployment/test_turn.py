"""Only so many versions run beside others in a namespace; who has waited longest comes first, and everyone comes."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shipway.api.conditions import rfc3339, seconds
from shipway.controllers.servingdeployment.controller import _by_peer
from shipway.controllers.servingdeployment.peers import Peer, turn_of
from shipway.controllers.servingdeployment.turn import SETTLE_SECONDS
from shipway.kube.resource import Object
from unit.controllers.servingdeployment.world import EPOCH, GATES, World, serving_spec

ROLLOUT = {"steps": [{"setWeight": 50}, {"pause": {"seconds": 2}}], "gates": GATES, "bakeSeconds": 2}


def peer(
    world: World,
    name: str,
    *,
    state: str = "",
    queued_at: float | None = None,
    baseline: str = "v0",
    twin: bool = False,
) -> Object:
    """Another deployment of the namespace in a state of a release, or waiting."""
    rollout = {"id": "v1-1", "version": "v1", "inferenceService": name, "state": state, "startedAt": rfc3339(EPOCH)}
    status: dict[str, Any] = {"rollout": rollout | {"baseline": baseline}} if state else {}
    if queued_at is not None:
        status = {"queuedAt": rfc3339(queued_at)}
    spec = serving_spec()
    if twin:
        spec["rollout"]["compareWith"] = "Twin"
        status |= {"twin": {"version": "v0"}} if state else {}
    return world.put({"kind": "ServingDeployment", "metadata": {"name": name}, "spec": spec, "status": status})


def limited(limit: int) -> World:
    """A world in which a version serves and only so many may run beside others."""
    world = World(rollout=ROLLOUT)
    world.until(lambda: world.serves("v1"))
    world.limit(limit)
    return world


def waiting_behind(*states: str, limit: int = 1) -> World:
    """A world in which a version is wanted while others are in these states of a release."""
    world = limited(limit)
    for number, state in enumerate(states):
        peer(world, f"other-{number}", state=state)
    world.change(version="v2")
    world.run(5)
    return world


def test_without_a_limit_nobody_waits():
    assert waiting_behind("Stepping", "Stepping", limit=0).status.candidate is not None


def test_a_release_waits_while_others_have_all_places_and_says_who_and_for_how_many():
    world = waiting_behind("Stepping", "Baking", limit=2)
    assert world.ready() == ("False", "AwaitingTurn")
    assert (
        "2 of 2 places of the namespace are taken (other-0, other-1), number 1 of 1 that wait" in world.status.summary
    )
    assert world.share("v1") == 100


def test_it_starts_once_one_of_them_ends_and_is_woken_by_that():
    world = waiting_behind("Stepping")
    ended = peer(world, "other-0", state="Completed")
    assert [key.name for key in _by_peer(ended, world)] == ["ranker"]
    world.run(1)
    world.until(lambda: world.serves("v2"))
    assert world.status.queued_at is None


def test_who_has_waited_longer_comes_first():
    world = waiting_behind("Stepping")
    peer(world, "older", queued_at=EPOCH - 60)
    peer(world, "other-0", state="Completed")
    world.run(10)
    assert "number 2 of 2 that wait" in world.status.summary
    peer(world, "older", state="Completed")
    world.run(1)
    assert world.status.candidate is not None


def beside_a_twin(world: World) -> World:
    """The deployment asks for a twin with its next release."""
    world.change(rollout={**world.sdep["spec"]["rollout"], "compareWith": "Twin"})
    return world


def test_a_twin_of_another_takes_a_place_of_its_own():
    world = limited(2)
    peer(world, "compared", state="Paused", twin=True)
    world.change(version="v2")
    world.run(5)
    assert world.ready() == ("False", "AwaitingTurn")
    assert "2 of 2 places of the namespace are taken (compared), number 1 of 1 that wait" in world.status.summary


def test_a_release_beside_a_twin_waits_for_two_places_and_says_so():
    world = beside_a_twin(waiting_behind("Stepping", "Paused", limit=2))
    peer(world, "other-0", state="Completed")
    world.run(10)
    assert world.ready() == ("False", "AwaitingTurn")
    assert (
        "1 of 2 places of the namespace are taken (other-1), number 1 of 1 that wait, and it takes 2 with its twin"
    ) in world.status.summary
    peer(world, "other-1", state="Completed")
    world.until(lambda: world.status.twin is not None, within=10)


def test_whoever_waits_behind_a_release_with_a_twin_leaves_it_both_places():
    world = limited(2)
    peer(world, "older", queued_at=EPOCH - 60, twin=True)
    world.change(version="v2")
    world.run(10)
    assert world.ready() == ("False", "AwaitingTurn")
    assert "0 of 2 places of the namespace are taken (by none), number 2 of 2 that wait" in world.status.summary


def test_where_there_is_one_place_a_release_with_a_twin_takes_that_one():
    world = beside_a_twin(waiting_behind("Stepping"))
    world.run(5)
    assert world.status.twin is None
    peer(world, "other-0", state="Completed")
    world.until(lambda: world.status.twin is not None, within=10)


def test_it_writes_nothing_while_it_waits():
    world = waiting_behind("Paused")
    before = world.writes
    world.run(60)
    assert world.writes == before


def test_a_first_version_waits_for_nobody_and_takes_nobodys_place():
    world = World()
    world.limit(1)
    peer(world, "busy", state="Stepping")
    world.until(lambda: world.serves("v1"), within=10)
    peer(world, "busy", state="Starting", baseline="")
    world.change(version="v2")
    world.run(5)
    assert world.status.candidate is not None


def test_a_place_is_given_up_when_the_version_is_no_longer_wanted():
    world = waiting_behind("Stepping")
    assert world.status.queued_at is not None
    world.change(version="v1")
    world.run(1)
    assert world.serves("v1")
    assert world.status.queued_at is None


def test_an_undo_waits_for_no_turn():
    world = World(rollout=ROLLOUT)
    world.until(lambda: world.serves("v1"))
    world.release("v2")
    world.limit(1)
    peer(world, "busy", state="Stepping")
    world.act("undo", id_="1")
    world.until(lambda: world.share("v1") == 100, within=10)


@dataclass
class Namespace:
    """Deployments that each see the others as they were up to two seconds ago."""

    limit: int
    asks: dict[str, int]
    now: float = EPOCH
    peers: dict[str, Peer] = field(default_factory=dict)
    past: list[tuple[float, dict[str, Peer]]] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def seen_by(self, name: str, lag: float) -> list[Peer]:
        """The others as the one sees them: never older than the time a write takes."""
        old = next((peers for at, peers in reversed(self.past) if at <= self.now - lag), {})
        return [old.get(other, Peer(other, "m")) for other in self.peers if other != name]

    def look(self, name: str, lag: float) -> None:
        me = self.peers[name]
        if me.places:
            self.served.append(name)
            self.peers[name] = Peer(name, "m", stable=("v2", "d"))
        elif not me.queued_at and not me.stable[0]:
            self.peers[name] = Peer(name, "m", asks=self.asks[name], queued_at=rfc3339(self.now))
        elif me.queued_at and self.now - seconds(me.queued_at) >= SETTLE_SECONDS:
            seen = self.seen_by(name, lag)
            turn = turn_of(name, queued_at=me.queued_at, asks=me.asks, peers=seen, limit=self.limit)
            if turn is not None and turn.has_come:
                self.peers[name] = Peer(name, "m", places=me.asks, releasing=True)


@given(
    limit=st.integers(1, 3),
    asks=st.lists(st.integers(1, 2), min_size=6, max_size=6),
    looks=st.lists(st.tuples(st.integers(0, 5), st.floats(0.0, 0.9), st.floats(0.0, 0.9)), min_size=20, max_size=120),
)
def test_however_late_they_hear_of_each_other_the_limit_holds_and_everyone_comes(
    limit: int, asks: list[int], looks: list[tuple[int, float, float]]
):
    names = [f"d{number}" for number in range(6)]
    space = Namespace(limit, dict(zip(names, asks, strict=True)), peers={name: Peer(name, "m") for name in names})
    for number, step, lag in looks:
        space.now += step
        space.look(names[number], lag)
        space.past.append((space.now, dict(space.peers)))
        busy = [each.places for each in space.peers.values() if each.places]
        assert sum(busy) <= limit or len(busy) == 1
    for _ in range(40):
        for name in names:
            space.now += 1
            space.look(name, 0.0)
            space.past.append((space.now, dict(space.peers)))
    assert sorted(space.served) == names
