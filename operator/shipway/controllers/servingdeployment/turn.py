"""Whose turn it is where only so many versions may run beside others: the one that has waited longest.

There is no counter. Each deployment that wants to start first says so in its status, and starts once those that are
under way and those that have waited longer leave room. Who is in the middle of saying so is not seen yet, so nobody
starts in the first moments.
"""

from dataclasses import dataclass

SETTLE_SECONDS = 2.0
"""How long a place is held before it may be used: longer than the write of a status takes."""


@dataclass(frozen=True)
class Turn:
    """Where a deployment stands.

    Attributes:
        limit: Versions that may run beside others in the namespace.
        under_way: Deployments that have some.
        taken: How many these are: a new version is one, and so is a twin beside it.
        asks: How many this one takes.
        asked_before: How many those take that have waited longer.
        place: Place among those that wait, from 1.
        waiting: How many wait, this one included.
    """

    limit: int
    under_way: tuple[str, ...]
    taken: int
    asks: int
    asked_before: int
    place: int
    waiting: int

    @property
    def has_come(self) -> bool:
        """Whether there is room for everyone up to this one."""
        return self.taken + self.asked_before + self.asks <= self.limit

    @property
    def message(self) -> str:
        """Where it stands, in words."""
        names = ", ".join(self.under_way[:5]) + (", …" if len(self.under_way) > 5 else "")
        busy = f"{self.taken} of {self.limit} places of the namespace are taken ({names or 'by none'})"
        twin = f", and it takes {self.asks} with its twin" if self.asks > 1 else ""
        return f"{busy}, number {self.place} of {self.waiting} that wait{twin}"
