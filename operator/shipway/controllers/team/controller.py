"""The edge of the Team reconciler."""

from collections.abc import Iterable, Sequence

from shipway.controllers.ownership import claims
from shipway.controllers.team.reconcile import Snapshot, reconcile
from shipway.kube.resource import NAMESPACE, TEAM, Key, Object
from shipway.runtime.controller import Cache, Controller, Watch
from shipway.runtime.plan import Plan


def _rivals(team: Object, cache: Cache) -> Iterable[Key]:
    """The other Teams that name a namespace of this one."""
    mine = set(claims(team))
    for other in cache.list(TEAM, ""):
        if mine & set(claims(other)):
            yield Key(TEAM.kind, "", other["metadata"]["name"])


def _claimants(namespace: Object, cache: Cache) -> Iterable[Key]:
    for team in cache.list(TEAM, ""):
        if namespace["metadata"]["name"] in claims(team):
            yield Key(TEAM.kind, "", team["metadata"]["name"])


def name_only(_: Object) -> Object:
    """What is kept of a namespace beside its metadata: nothing."""
    return {}


class TeamController(Controller):
    """Keeps a Team's status. An operator of some namespaces has no right to read Teams, and this one no work."""

    resource = TEAM
    watches: Sequence[Watch] = (Watch(TEAM, _rivals), Watch(NAMESPACE, _claimants, trim=name_only))

    async def plan(self, key: Key, cache: Cache, now: float) -> Plan | None:
        """Decides on what the cache knows."""
        team = cache.get(TEAM, "", key.name)
        if team is None:
            return None
        there = {name for name in claims(team) if cache.get(NAMESPACE, "", name) is not None}
        return reconcile(Snapshot(team, tuple(cache.list(TEAM, "")), there, now))
