"""What the faults have found, by the seed that showed it first; all of them are run by `test_seeds.py`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """A bug that is fixed."""

    seed: int
    what: str


BUGS: tuple[Bug, ...] = ()
