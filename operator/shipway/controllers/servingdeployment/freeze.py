"""Whether nothing may be released now, and until when. Pure but for the zones' rules, which Python reads once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shipway.api.v1alpha1.freeze import Freeze

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LINKS = 16
"""Windows that follow each other without a gap before the last one's end is told as it is."""


@dataclass(frozen=True)
class Frozen:
    """Nothing is released now.

    Attributes:
        until: Unix seconds; None where a window cannot be understood and holds until it is corrected.
        message: Which window, until when, and why.
    """

    until: float | None
    message: str


def frozen(windows: Sequence[Freeze], now: float) -> Frozen | None:
    """The freeze that holds now; where windows follow each other without a gap, until the last of them ends."""
    for window in windows:
        if problem := _problem(window):
            return Frozen(None, f"freeze {window.name} cannot be understood: {problem}; until then it holds")
    last, until = None, now
    for _ in range(_LINKS):
        ends = [(end, window) for window in windows for start, end in _around(window, until) if start <= until < end]
        if not ends:
            break
        until, last = max(ends, key=lambda pair: pair[0])
    return Frozen(until, _message(last, until)) if last else None


def _message(window: Freeze, until: float) -> str:
    local = datetime.fromtimestamp(until, ZoneInfo(window.time_zone))
    why = f" ({window.reason})" if window.reason else ""
    return f"freeze {window.name}{why} holds until {local:%a %Y-%m-%d %H:%M} {window.time_zone}"


@lru_cache(maxsize=256)
def _problem(window: Freeze) -> str:
    """What the API server cannot refuse: a zone or a date that does not exist."""
    try:
        ZoneInfo(window.time_zone)
    except (KeyError, ValueError, OSError):
        return f"there is no time zone {window.time_zone}; name one of the IANA list, such as Europe/Berlin"
    for moment in (window.start, window.end):
        try:
            _ = _before(moment, datetime(2000, 1, 1))
        except ValueError:
            return f"there is no {moment}; name a date that exists"
    return ""


def _around(window: Freeze, at: float) -> Iterator[tuple[float, float]]:
    """The window's last beginning and the next one, each with its end, in Unix seconds."""
    zone = ZoneInfo(window.time_zone)
    local = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    period = _period(window.start)
    for shift in (timedelta(0), period):
        start = _before(window.start, local) + shift
        end = _before(window.end, start)
        if period:
            end += period
        yield start.replace(tzinfo=zone).timestamp(), end.replace(tzinfo=zone).timestamp()


def _period(moment: str) -> timedelta:
    """After how long it comes again; nothing where it comes once."""
    return {5: timedelta(days=1), 9: timedelta(days=7)}.get(len(moment), timedelta(0))


def _before(moment: str, at: datetime) -> datetime:
    """When a moment last was, not after `at`; the moment itself where it comes once. All local."""
    *day, clock = moment.split(" ")
    hour, minute = (int(part) for part in clock.split(":"))
    if day and day[0] not in _DAYS:
        return datetime.strptime(moment, "%Y-%m-%d %H:%M")
    found = at.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if day:
        found -= timedelta(days=(at.weekday() - _DAYS.index(day[0])) % 7)
    return found if found <= at else found - _period(moment)
