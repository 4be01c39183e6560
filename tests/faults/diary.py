"""What was done and logged in one run, moment by moment: a rare race may not come twice, so it tells itself at once."""

import contextvars
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from faults.history import Change, History

_OF_THIS_RUN: contextvars.ContextVar["Diary | None"] = contextvars.ContextVar("diary", default=None)


@dataclass
class Diary:
    """Sentences with their moment, in monotonic seconds."""

    entries: list[tuple[float, str]] = field(default_factory=list)

    @classmethod
    def begin(cls) -> "Diary":
        """A diary for everything that this task and those it starts do from now on."""
        diary = cls()
        _OF_THIS_RUN.set(diary)
        return diary

    def write(self, sentence: str) -> None:
        """Note what happens now."""
        self.entries.append((time.monotonic(), sentence))

    def told(self, history: History) -> str:
        """The whole story, with what was stored meanwhile, in order."""
        stored = [(history.seen_at[change.version], _line(change)) for change in history.changes]
        began = min((moment for moment, _ in (*self.entries, *stored)), default=0.0)
        lines = sorted((*self.entries, *stored), key=lambda entry: entry[0])
        return "".join(f"{moment - began:8.3f} {sentence}\n" for moment, sentence in lines)


def note(sentence: str) -> None:
    """Write into the diary of this run, if it keeps one."""
    if diary := _OF_THIS_RUN.get():
        diary.write(sentence)


@contextmanager
def listening() -> Iterator[None]:
    """What operators log goes to the diaries of their runs while inside, and what the proxy breaks off is no news."""
    root, server, handler = logging.getLogger(), logging.getLogger("aiohttp.server"), _Handler()
    levels = root.level, server.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    server.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        server.setLevel(levels[1])


class _Handler(logging.Handler):
    """Sends what operators log to the diary of their run."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "asyncio" and (diary := _OF_THIS_RUN.get()):  # it complains of the tasks of the killed
            diary.write(f"  log {record.name}: {self.format(record)}")


def _line(change: Change) -> str:
    obj = change.object
    meta = obj["metadata"]
    ending = " ending" if "deletionTimestamp" in meta else ""
    said = {name: obj[name] for name in ("spec", "status", "endpoints") if name in obj}
    marks = {name: meta[name] for name in ("labels", "annotations") if name in meta}
    return f"  {change.type}{ending} {change.kind} {change.name} {change.version} uid {change.uid[:8]} {marks} {said}"
