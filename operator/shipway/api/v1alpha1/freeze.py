"""Windows in which no version gets more traffic: every day, every week, or once."""

from typing import Annotated

from pydantic import Field

from shipway.api.schema import ApiModel, DnsLabel, Rule, ShortText, in_words

Moment = Annotated[
    str,
    Field(min_length=5, max_length=16),
    in_words(
        r"^((Mon|Tue|Wed|Thu|Fri|Sat|Sun) |[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) )?"
        r"([01][0-9]|2[0-3]):[0-5][0-9]$",
        "write a time such as 22:00 (every day), Fri 16:00 (every week) or 2026-12-20 00:00 (once)",
    ),
]
"""A time of the day, of the week, or of history; local to the window's time zone."""


class Freeze(ApiModel):
    """A window in which nothing is released; a rollback and an undo are never held up."""

    name: DnsLabel
    """What it is called in conditions."""
    start: Moment
    """When it begins: 22:00 (every day), Fri 16:00 (every week) or 2026-12-20 00:00 (once)."""
    end: Moment
    """When it ends, written like start."""
    time_zone: Annotated[
        str,
        Field(min_length=1, max_length=64),
        in_words(r"^[A-Za-z][A-Za-z0-9_+/-]*$", "write a name of the IANA list, such as Europe/Berlin"),
    ] = "UTC"
    """Whose clock: a name of the IANA list, such as Europe/Berlin."""
    reason: ShortText = ""
    """Why, shown with it."""
    rules = (
        Rule(
            "size(self.start) == size(self.end)",
            "start and end are written differently; write both as 22:00, both as Fri 16:00 or both as 2026-12-20 00:00",
            "end",
        ),
        Rule(
            "size(self.start) == 16 ? self.start < self.end : self.start != self.end",
            "end is not after start; write a later moment",
            "end",
        ),
    )
