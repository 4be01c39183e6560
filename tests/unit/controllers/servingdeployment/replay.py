"""A story of a release, told once without a break and once for each write of an operator that dies right after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from shipway.kube.resource import Object
from unit.controllers.servingdeployment.world import World

AFTERWARDS = 1.0
"""Seconds after the last beat: what is written late belongs to the story, and an operator may die of that as well."""


@dataclass(frozen=True)
class Beat:
    """What somebody does, and what has come of it when the story goes on."""

    do: Callable[[World], None]
    until: Callable[[World], bool]


@dataclass(frozen=True)
class Story:
    """A beginning, and what happens from there on; only there an operator dies."""

    name: str
    begin: Callable[[], World]
    beats: Sequence[Beat]

    @cached_property
    def unbroken(self) -> Outcome:
        """What comes of it when nobody dies."""
        return self._told[0]

    @cached_property
    def deaths(self) -> Sequence[Death]:
        """One after each write."""
        return self._told[1]

    @cached_property
    def _told(self) -> tuple[Outcome, Sequence[Death]]:
        world, deaths = self.begin(), list[Death]()
        for place, beat in enumerate(self.beats):
            world.after_write = partial(self._die, deaths, place)
            beat.do(world)
            world.until(partial(beat.until, world))
        world.run(AFTERWARDS)
        return Outcome.of(world), deaths

    def _die(self, deaths: list[Death], place: int, seen: World) -> None:
        number, write = len(deaths) + 1, seen.log[-1][1]
        deaths.append(Death(self, place, number=number, write=write, world=seen.without_operator()))


@dataclass(frozen=True)
class Death:
    """The operator has died after one of its writes.

    Attributes:
        story: What is told.
        place: The beat in which it died.
        number: Number of the write, from 1.
        write: What it was, in words.
        world: Everything else at that moment.
    """

    story: Story
    place: int
    number: int
    write: str
    world: World

    def outcome(self) -> Outcome:
        """What comes of it with another operator."""
        world = self.world.without_operator()
        world.go_on()
        for place, beat in enumerate(self.story.beats[self.place :]):
            if place:
                beat.do(world)
            world.until(partial(beat.until, world))
        world.run(AFTERWARDS)
        return Outcome.of(world)


@dataclass(frozen=True)
class Outcome:
    """What people can tell of a release when it is over.

    Attributes:
        state: Of the last rollout, with its version.
        versions: The stable one, then those that are kept.
        steps: Weight of each step walked, and whether it was a mirror.
        routes: Shares by InferenceService and the mirror, as the gateway was told one after the other.
        services: What runs.
        incidents: Each with its gate, version, whether it holds the version, and whether that was lifted.
        actions: The verbs, with what came of them.
        ready: The condition.
    """

    state: tuple[str, str]
    versions: tuple[str, ...]
    steps: tuple[tuple[int, bool], ...]
    routes: tuple[Any, ...]
    services: tuple[str, ...]
    incidents: tuple[tuple[str, str, bool, bool], ...]
    actions: tuple[tuple[str, str], ...]
    ready: tuple[str, str]

    @classmethod
    def of(cls, world: World) -> Outcome:
        """As it is now."""
        status = world.status
        assert status.rollout is not None
        assert status.stable is not None
        return cls(
            state=(status.rollout.state, status.rollout.version),
            versions=(status.stable.version, *(ref.version for ref in status.kept)),
            steps=tuple((record.weight, record.mirror) for record in status.rollout.history),
            routes=tuple(told for told, _ in groupby(world.routes)),
            services=tuple(world.services()),
            incidents=tuple(_told(incident) for incident in world.incidents()),
            actions=tuple((record.verb, record.result) for record in status.actions),
            ready=world.ready(),
        )


def _told(incident: Object) -> tuple[str, str, bool, bool]:
    spec = incident["spec"]
    return spec["gate"], spec["version"], spec["quarantine"], "lifted" in incident.get("status", {})
