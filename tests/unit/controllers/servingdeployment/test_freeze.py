"""When nothing is released, until when, and what a freeze never holds up."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.api.conditions import rfc3339
from shipway.api.v1alpha1.freeze import Freeze
from shipway.controllers.servingdeployment.freeze import frozen
from unit.controllers.servingdeployment.world import EPOCH, GATES, World

BERLIN = ZoneInfo("Europe/Berlin")
STEPS = [{"setWeight": 20}, {"pause": {"seconds": 5}}, {"setWeight": 50}, {"pause": {"seconds": 5}}]
DAY = 86_400.0


def window(start: str, end: str, **more: str) -> Freeze:
    return Freeze(name="window", start=start, end=end, time_zone="Europe/Berlin", **more)


def local(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


NIGHT, WEEKEND = window("22:00", "06:00"), window("Fri 16:00", "Mon 08:00")
WINTER = window("2026-12-20 00:00", "2027-01-02 12:00")


@pytest.mark.parametrize(
    ("windows", "now", "until"),
    [
        ([NIGHT], "2026-11-25 21:59:59", None),
        ([NIGHT], "2026-11-25 22:00", "2026-11-26 06:00"),
        ([NIGHT], "2026-11-26 05:59:59", "2026-11-26 06:00"),
        ([NIGHT], "2026-11-26 06:00", None),
        ([window("09:00", "17:00")], "2026-11-26 12:00", "2026-11-26 17:00"),
        ([WEEKEND], "2026-11-27 15:59", None),
        ([WEEKEND], "2026-11-27 16:00", "2026-11-30 08:00"),
        ([WEEKEND], "2026-11-30 07:59", "2026-11-30 08:00"),
        ([WEEKEND], "2026-12-02 12:00", None),
        ([window("Mon 08:00", "Fri 16:00")], "2026-12-02 12:00", "2026-12-04 16:00"),
        ([WINTER], "2026-12-19 23:59", None),
        ([WINTER], "2026-12-31 12:00", "2027-01-02 12:00"),
        ([WINTER], "2027-01-02 12:00", None),
        ([WINTER, WEEKEND], "2026-12-31 12:00", "2027-01-04 08:00"),
        ([window("08:00", "12:00"), window("12:00", "14:00")], "2026-11-26 09:00", "2026-11-26 14:00"),
        ([NIGHT], "2026-03-28 23:00", "2026-03-29 06:00"),
        ([NIGHT], "2026-10-24 23:00", "2026-10-25 06:00"),
        ([], "2026-11-25 23:00", None),
    ],
)
def test_a_window_holds_from_its_start_to_its_end(windows: list[Freeze], now: str, until: str | None):
    held = frozen(windows, local(now))
    assert (held.until if held else None) == (local(until) if until else None)


@given(now=st.integers(0, 4 * 365), seconds=st.integers(0, 86_399), which=st.sampled_from([NIGHT, WEEKEND, WINTER]))
def test_what_holds_ends_later_and_holds_no_more_then(now: int, seconds: int, which: Freeze):
    at = EPOCH + now * DAY + seconds
    held = frozen([which], at)
    if held is not None:
        assert held.until is not None
        assert held.until > at
        assert frozen([which], held.until) is None
        assert frozen([which], held.until - 1) is not None


def test_windows_that_always_hold_say_so_without_looking_for_ever():
    always = [window("00:00", "12:00"), window("12:00", "00:00")]
    held = frozen(always, local("2026-11-25 09:00"))
    assert held is not None
    assert held.until is not None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Freeze(name="w", start="22:00", end="06:00", time_zone="Europe/Berln"), "no time zone Europe/Berln"),
        (window("2026-02-20 00:00", "2026-02-31 00:00"), "no 2026-02-31 00:00"),
    ],
)
def test_a_window_that_cannot_be_understood_holds_and_says_what_would_be_right(wrong: Freeze, words: str):
    held = frozen([wrong], EPOCH)
    assert held is not None
    assert held.until is None
    assert words in held.message


def once(start: float, end: float, **more: str) -> dict[str, Any]:
    """A window of a world, in seconds after its beginning."""
    texts = [rfc3339(EPOCH + at).replace("T", " ")[:16] for at in (start, end)]
    return {"name": "party", "start": texts[0], "end": texts[1], **more}


def rollout(*windows: dict[str, Any]) -> dict[str, Any]:
    return {"steps": STEPS, "gates": GATES, "bakeSeconds": 5, "freeze": list(windows)}


def served() -> World:
    world = World(rollout=rollout())
    world.until(lambda: world.serves("v1"))
    return world


class TestRelease:
    def test_does_not_start_before_the_freeze_ends_and_starts_then(self):
        world = served()
        world.change(version="v2", rollout=rollout(once(0, 60, reason="a fair")))
        world.run(20)
        assert world.ready() == ("False", "Frozen")
        assert "v2 is not released yet: freeze party (a fair) holds until Fri 2027-01-15 08:01 UTC" in (
            world.status.summary
        )
        assert world.status.candidate is None
        world.until(lambda: world.status.candidate is not None)
        assert 60 <= world.now - EPOCH <= 61

    def test_keeps_its_weight_while_a_freeze_holds_and_goes_on_after_it(self):
        world = served()
        world.change(version="v2", rollout=rollout(once(0, 60)))
        world.change(rollout=rollout())
        world.until(lambda: world.share("v2") == 20)
        world.change(rollout=rollout(once(0, 60)))
        world.run(20)
        assert (world.share("v2"), world.ready()) == (20, ("False", "Frozen"))
        world.until(lambda: world.share("v2") == 50)
        assert world.now - EPOCH >= 60

    def test_writes_nothing_while_it_waits(self):
        world = served()
        world.change(version="v2", rollout=rollout(once(0, 600)))
        world.run(5)
        before = world.writes
        world.run(60)
        assert world.writes == before

    def test_is_taken_back_in_a_freeze_as_at_any_time(self):
        world = served()
        world.change(version="v3")
        world.until(lambda: world.share("v3") == 50)
        world.change(rollout=rollout(once(0, 6000)))
        world.errors["v3"] = 0.5
        world.until(lambda: world.share("v1") == 100, within=10)

    def test_is_promoted_by_a_person_only_once_the_freeze_is_over(self):
        world = served()
        world.change(version="v2")
        world.until(lambda: world.share("v2") == 20)
        world.change(rollout=rollout(once(0, 60)))
        world.act("promote", id_="1")
        world.run(2)
        assert world.share("v2") == 20
        assert "the step ends as soon as it may: freeze party holds until" in world.status.actions[-1].result

    def test_ends_its_bake_in_a_freeze(self):
        world = served()
        world.change(version="v2")
        world.until(lambda: world.state() == "Baking")
        world.change(rollout=rollout(once(0, 6000)))
        world.until(lambda: world.serves("v2"), within=10)

    def test_is_undone_in_a_freeze(self):
        world = served()
        world.release("v2")
        world.change(rollout=rollout(once(0, 6000)))
        world.act("undo", id_="1")
        world.until(lambda: world.share("v1") == 100, within=10)
