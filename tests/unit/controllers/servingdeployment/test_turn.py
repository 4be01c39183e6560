"""Only so many versions run beside others in a namespace; who has waited longest comes first, and everyone comes."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from shipway.api.conditions import rfc3339, seconds
from shipway.controllers.servingdeployment.controller import _by_peer
from shipway.controllers.servingdeployment.peers import Peer, turn_of
from shipway.controllers.servingdeployment.turn import SETTLE_SECONDS
from shipway.kube.resource import Object
from unit.controllers.servingdeployment.world import EPOCH, GATES, World, serving_spec

ROLLOUT = {"steps": [{"setWeight": 50}, {"pause": {"seconds": 2}}], "gates": GATES, "bakeSeconds": 2}


def peer(world: World, name: str, *, state: str = "", queued_at: float | None = None, baseline: str = "v0") -> Object:
    """Another deployment of the namespace in a state of a release, or waiting."""
    rollout = {"id": "v1-1", "version": "v1", "inferenceService": name, "state": state, "startedAt": rfc3339(EPOCH)}
    status = {"rollout": rollout | {"baseline": baseline}} if state else {}
    if queued_at is not None:
        status = {"queuedAt": rfc3339(queued_at)}
    return world.put(
        {"kind": "ServingDeployment", "metadata": {"name": name}, "spec": serving_spec(), "status": status}
    )


def waiting_behind(*states: str, limit: int = 1) -> World:
    """A world in which a version is wanted while others are in these states of a release."""
    world = World(rollout=ROLLOUT)
    world.until(lambda: world.serves("v1"))
    world.limit(limit)
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
    assert "2 of 2 releases of the namespace are under way (other-0, other-1), place 1 of 1" in world.status.summary
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
    assert "place 2 of 2 that wait" in world.status.summary
    peer(world, "older", state="Completed")
    world.run(1)
    assert world.status.candidate is not None


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
        if me.candidate:
            self.served.append(name)
            self.peers[name] = Peer(name, "m", stable=("v2", "d"))
        elif not me.queued_at and not me.stable[0]:
            self.peers[name] = Peer(name, "m", queued_at=rfc3339(self.now))
        elif me.queued_at and self.now - seconds(me.queued_at) >= SETTLE_SECONDS:
            turn = turn_of(name, queued_at=me.queued_at, peers=self.seen_by(name, lag), limit=self.limit)
            if turn is not None and turn.has_come:
                self.peers[name] = Peer(name, "m", candidate=True, releasing=True)


@given(
    limit=st.integers(1, 3),
    looks=st.lists(st.tuples(st.integers(0, 5), st.floats(0.0, 0.9), st.floats(0.0, 0.9)), min_size=20, max_size=120),
)
def test_however_late_they_hear_of_each_other_the_limit_holds_and_everyone_comes(
    limit: int, looks: list[tuple[int, float, float]]
):
    names = [f"d{number}" for number in range(6)]
    space = Namespace(limit, peers={name: Peer(name, "m") for name in names})
    for number, step, lag in looks:
        space.now += step
        space.look(names[number], lag)
        space.past.append((space.now, dict(space.peers)))
        assert sum(each.candidate for each in space.peers.values()) <= limit
    for _ in range(40):
        for name in names:
            space.now += 1
            space.look(name, 0.0)
            space.past.append((space.now, dict(space.peers)))
    assert sorted(space.served) == names
